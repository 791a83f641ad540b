-- Cancelling runs of events (docs/decisions/0009): a batch sees that runs were cancelled since it was claimed.

-- AlterTable
ALTER TABLE "inbox_drain" ADD COLUMN "cancels" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "cancels_ended" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "change" ADD COLUMN "origin" INTEGER;

-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

-- runs that were cancelled before are looked at once
UPDATE "inbox_drain" SET "cancels" = 1;
