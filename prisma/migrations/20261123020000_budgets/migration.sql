-- What all workers share about a remote system: its circuit breaker, and its pace (learnt and set limits).

CREATE TABLE "connection_guard" (
    "connection_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'closed',
    "opened_at" TIMESTAMPTZ(3),
    "reason" TEXT,
    "probes" INTEGER NOT NULL DEFAULT 0,
    "next_probe_at" TIMESTAMPTZ(3),
    "probing_until" TIMESTAMPTZ(3),
    "pace" JSONB NOT NULL DEFAULT '{}',
    "pace_version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "connection_guard_pkey" PRIMARY KEY ("connection_id")
);

ALTER TABLE "connection_guard" ADD CONSTRAINT "connection_guard_connection_id_fkey"
  FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AlterTable
ALTER TABLE "run" ADD COLUMN "wait_connection" TEXT,
                  ADD COLUMN "waiting_records" INTEGER NOT NULL DEFAULT 0;

-- By hand
ALTER TABLE "connection_guard" ADD CONSTRAINT "connection_guard_state" CHECK ("state" IN ('closed', 'open'));
CREATE INDEX "connection_guard_open" ON "connection_guard" ("next_probe_at") WHERE "state" = 'open';
CREATE INDEX "run_waits_for" ON "run" ("wait_connection") WHERE "state" = 'waiting';
-- rewritten several times a second while a limited system is busy: room for it on the page, and no index to touch
ALTER TABLE "connection_guard" SET (fillfactor = 50);
