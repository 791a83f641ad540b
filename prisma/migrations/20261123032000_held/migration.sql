-- Parts of records that a wait or an approval keeps; they go on in runs of their own.

CREATE TABLE "held_part" (
    "id" BIGSERIAL NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "run_id" BIGINT NOT NULL,
    "step_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "source" JSONB NOT NULL,
    "ask" JSONB,
    "state" TEXT NOT NULL DEFAULT 'open',
    "due_at" TIMESTAMPTZ(3),
    "port" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "decided_at" TIMESTAMPTZ(3),
    "decided_by" TEXT,
    "note" TEXT,
    "release_run_id" BIGINT,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "held_part_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "held_part_workspace_id_kind_state_id_idx" ON "held_part"("workspace_id", "kind", "state", "id");
CREATE INDEX "held_part_run_id_idx" ON "held_part"("run_id");
CREATE INDEX "held_part_workspace_id_key_idx" ON "held_part"("workspace_id", "key");

-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

CREATE INDEX "held_part_due_idx" ON "held_part"("due_at") WHERE "state" = 'open';
CREATE INDEX "held_part_decided_idx" ON "held_part"("flow_id", "version", "id") WHERE "state" = 'decided';
CREATE INDEX "held_part_blocking_idx" ON "held_part"("flow_id", "key") WHERE "state" IN ('open', 'decided');
