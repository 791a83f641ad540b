-- Events that other systems send: a durable inbox, a narrow queue of what waits, one drainer per flow.

ALTER TABLE "run" ADD COLUMN "steps" JSONB;

CREATE TABLE "inbox_event" (
    "id" BIGINT NOT NULL DEFAULT nextval('run_id_seq'::regclass),
    "workspace_id" TEXT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "content_type" TEXT NOT NULL,
    "headers" JSONB NOT NULL,
    "body" TEXT NOT NULL,
    "repeats" INTEGER NOT NULL DEFAULT 0,
    "last_repeat_at" TIMESTAMPTZ(3),
    "replay_of" BIGINT,
    "sent_by" TEXT NOT NULL DEFAULT 'webhook',

    CONSTRAINT "inbox_event_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "inbox_queue" (
    "flow_id" TEXT NOT NULL,
    "id" BIGINT NOT NULL,
    "size_bytes" INTEGER NOT NULL,

    CONSTRAINT "inbox_queue_pkey" PRIMARY KEY ("flow_id","id")
);

CREATE TABLE "inbox_drain" (
    "flow_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "lease_worker" TEXT,
    "lease_token" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "wait_reason" TEXT,
    "resume_at" TIMESTAMPTZ(3),
    "error" JSONB,

    CONSTRAINT "inbox_drain_pkey" PRIMARY KEY ("flow_id")
);

CREATE TABLE "inbox_sending" (
    "flow_id" TEXT NOT NULL,
    "part" INTEGER NOT NULL,
    "lease_token" INTEGER NOT NULL,
    "step_id" TEXT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "sink" TEXT NOT NULL,
    "first_run" BIGINT NOT NULL,
    "last_run" BIGINT NOT NULL,
    "receipt" JSONB,
    "landed" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "inbox_sending_pkey" PRIMARY KEY ("flow_id","part","lease_token")
);

CREATE TABLE "inbox_answer" (
    "id" BIGINT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "answer" JSONB NOT NULL,

    CONSTRAINT "inbox_answer_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "flow_secret" (
    "flow_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "secrets" BYTEA NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "flow_secret_pkey" PRIMARY KEY ("flow_id")
);

CREATE UNIQUE INDEX "inbox_event_flow_id_event_id_key" ON "inbox_event"("flow_id", "event_id");
CREATE INDEX "inbox_event_flow_id_id_idx" ON "inbox_event"("flow_id", "id" DESC);

-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

-- A queue: rows live for milliseconds. Without these, its dead rows are what a drain spends its time on.
ALTER TABLE "inbox_queue" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE "inbox_drain" SET (fillfactor = 50);
