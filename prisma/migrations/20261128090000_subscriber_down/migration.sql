-- Subscribers outside that are down: their deliveries wait without losing attempts, and one of them is tried from time to time.

-- AlterTable
ALTER TABLE "topic_subscription" ADD COLUMN "down_since" TIMESTAMPTZ(3),
ADD COLUMN "probes" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "next_probe_at" TIMESTAMPTZ(3);
