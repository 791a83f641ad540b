-- Stretches of big runs: key ranges of the stream that several workers work on at once (docs/decisions/0008).

-- AlterTable
ALTER TABLE "run" ADD COLUMN "stretches" INTEGER;

-- CreateTable
CREATE TABLE "run_stretch" (
    "run_id" BIGINT NOT NULL,
    "number" INTEGER NOT NULL,
    "range" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "lease_worker" TEXT,
    "lease_token" INTEGER NOT NULL DEFAULT 0,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "first_page" INTEGER NOT NULL,
    "page" INTEGER NOT NULL,
    "cursor" JSONB,
    "ending" JSONB,
    "waiting_records" INTEGER NOT NULL DEFAULT 0,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "run_stretch_pkey" PRIMARY KEY ("run_id","number")
);

-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

CREATE INDEX "run_stretch_queued_idx" ON "run_stretch"("run_id", "number") WHERE "state" = 'queued';
CREATE INDEX "run_stretch_running_idx" ON "run_stretch"("lease_worker") WHERE "state" = 'running';
