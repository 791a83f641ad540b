-- Steps that make or join parts, and what a collect keeps until its run's end.

ALTER TABLE "run_step" ADD COLUMN "made" BIGINT NOT NULL DEFAULT 0, ADD COLUMN "joined" BIGINT NOT NULL DEFAULT 0;

CREATE TABLE "collect_item" (
    "run_id" BIGINT NOT NULL,
    "step_id" TEXT NOT NULL,
    "group_key" TEXT COLLATE "C" NOT NULL,
    "seq" BIGINT NOT NULL,
    "ref" BIGINT NOT NULL,
    "record" JSONB NOT NULL,

    CONSTRAINT "collect_item_pkey" PRIMARY KEY ("run_id","step_id","group_key","seq")
);

CREATE TABLE "collect_waiting" (
    "run_id" BIGINT NOT NULL,
    "ref" BIGINT NOT NULL,
    "parts" INTEGER NOT NULL,
    "rank" SMALLINT NOT NULL,
    "counted" BOOLEAN NOT NULL DEFAULT true,
    "group_step" TEXT,
    "group_key" TEXT COLLATE "C",

    CONSTRAINT "collect_waiting_pkey" PRIMARY KEY ("run_id","ref")
);

-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

-- Rows live as long as their run; a big one leaves many dead rows at once.
ALTER TABLE "collect_item" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, autovacuum_vacuum_cost_delay = 0);
