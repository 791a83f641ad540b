-- Topics: which flows listen, the events themselves, and subscribers outside with what they are sent.

CREATE TABLE "topic_flow" (
    "flow_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "topic" TEXT NOT NULL,
    "types" TEXT[],
    "attributes" TEXT,

    CONSTRAINT "topic_flow_pkey" PRIMARY KEY ("flow_id")
);

CREATE TABLE "topic_event" (
    "id" BIGSERIAL NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "topic" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "subject" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "stored_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB NOT NULL,
    "published_by" TEXT NOT NULL,
    "run_id" BIGINT,

    CONSTRAINT "topic_event_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "topic_subscription" (
    "id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "topic" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "types" TEXT[],
    "secret" BYTEA NOT NULL,
    "paused" BOOLEAN NOT NULL DEFAULT false,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "topic_subscription_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "topic_delivery" (
    "subscription_id" TEXT NOT NULL,
    "event_id" BIGINT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_error" TEXT,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "topic_delivery_pkey" PRIMARY KEY ("subscription_id","event_id")
);

CREATE INDEX "topic_flow_workspace_id_topic_idx" ON "topic_flow"("workspace_id", "topic");
CREATE UNIQUE INDEX "topic_event_workspace_id_topic_source_event_id_key" ON "topic_event"("workspace_id", "topic", "source", "event_id");
CREATE INDEX "topic_event_stored_at_idx" ON "topic_event"("stored_at");
CREATE INDEX "topic_subscription_workspace_id_topic_idx" ON "topic_subscription"("workspace_id", "topic");

-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE "topic_delivery" ADD CONSTRAINT "topic_delivery_subscription_id_fkey"
  FOREIGN KEY ("subscription_id") REFERENCES "topic_subscription"("id") ON DELETE CASCADE;
CREATE INDEX "topic_delivery_due_idx" ON "topic_delivery"("next_at") WHERE "state" = 'pending';
