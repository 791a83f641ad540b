-- The first schema: control plane, runs, and the partitioned change ledger. The first part is what Prisma generates from
-- schema.prisma, with PARTITION BY added; the second part is what Prisma cannot say.

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "user" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_verified" BOOLEAN NOT NULL DEFAULT false,
    "image" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ip_address" TEXT,
    "user_agent" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "account" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "provider_id" TEXT NOT NULL,
    "access_token" TEXT,
    "refresh_token" TEXT,
    "id_token" TEXT,
    "access_token_expires_at" TIMESTAMPTZ(3),
    "refresh_token_expires_at" TIMESTAMPTZ(3),
    "scope" TEXT,
    "password" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verification" (
    "id" TEXT NOT NULL,
    "identifier" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "verification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settings" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "workspace_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "membership" (
    "workspace_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "membership_pkey" PRIMARY KEY ("workspace_id","user_id")
);

-- CreateTable
CREATE TABLE "invitation" (
    "id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "invited_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),

    CONSTRAINT "invitation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_token" (
    "id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit" (
    "id" BIGSERIAL NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT,
    "detail" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "audit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connection" (
    "id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "connector" TEXT NOT NULL,
    "settings" JSONB NOT NULL,
    "credentials" BYTEA,
    "state" TEXT NOT NULL DEFAULT 'unchecked',
    "state_message" TEXT,
    "checked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "flow" (
    "id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hook_key" TEXT NOT NULL,
    "live_version" INTEGER,
    "paused" BOOLEAN NOT NULL DEFAULT false,
    "paused_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "flow_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "draft" (
    "flow_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "document" JSONB NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "updated_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "draft_pkey" PRIMARY KEY ("flow_id")
);

-- CreateTable
CREATE TABLE "flow_version" (
    "flow_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "document" JSONB NOT NULL,
    "note" TEXT NOT NULL,
    "published_by" TEXT NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "flow_version_pkey" PRIMARY KEY ("flow_id","version")
);

-- CreateTable
CREATE TABLE "schedule" (
    "flow_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "timing" JSONB NOT NULL,
    "next_run_at" TIMESTAMPTZ(3),
    "last_run_at" TIMESTAMPTZ(3),

    CONSTRAINT "schedule_pkey" PRIMARY KEY ("flow_id")
);

-- CreateTable
CREATE TABLE "flow_position" (
    "flow_id" TEXT NOT NULL,
    "step_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "watermark" JSONB,
    "run_id" BIGINT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "flow_position_pkey" PRIMARY KEY ("flow_id","step_id")
);

-- CreateTable
CREATE TABLE "learnt_shape" (
    "workspace_id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "fields" JSONB NOT NULL,
    "samples" JSONB NOT NULL DEFAULT '[]',
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "learnt_shape_pkey" PRIMARY KEY ("workspace_id","owner","subject")
);

-- CreateTable
CREATE TABLE "run" (
    "id" BIGSERIAL NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "version" INTEGER,
    "document" JSONB,
    "kind" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "trigger" TEXT NOT NULL,
    "started_by" TEXT NOT NULL,
    "request" JSONB NOT NULL DEFAULT '{}',
    "parent_id" BIGINT,
    "slot" TEXT,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "lease_worker" TEXT,
    "lease_token" INTEGER NOT NULL DEFAULT 0,
    "stop_request" TEXT,
    "wait_reason" TEXT,
    "resume_at" TIMESTAMPTZ(3),
    "error" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "read" BIGINT NOT NULL DEFAULT 0,
    "created" BIGINT NOT NULL DEFAULT 0,
    "updated" BIGINT NOT NULL DEFAULT 0,
    "deleted" BIGINT NOT NULL DEFAULT 0,
    "unchanged" BIGINT NOT NULL DEFAULT 0,
    "filtered" BIGINT NOT NULL DEFAULT 0,
    "duplicate" BIGINT NOT NULL DEFAULT 0,
    "dead" BIGINT NOT NULL DEFAULT 0,
    "held" BIGINT NOT NULL DEFAULT 0,
    "restored" BIGINT NOT NULL DEFAULT 0,
    "conflict" BIGINT NOT NULL DEFAULT 0,
    "failed" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "run_step" (
    "run_id" BIGINT NOT NULL,
    "step_id" TEXT NOT NULL,
    "in" BIGINT NOT NULL DEFAULT 0,
    "out" BIGINT NOT NULL DEFAULT 0,
    "created" BIGINT NOT NULL DEFAULT 0,
    "updated" BIGINT NOT NULL DEFAULT 0,
    "deleted" BIGINT NOT NULL DEFAULT 0,
    "unchanged" BIGINT NOT NULL DEFAULT 0,
    "filtered" BIGINT NOT NULL DEFAULT 0,
    "duplicate" BIGINT NOT NULL DEFAULT 0,
    "dead" BIGINT NOT NULL DEFAULT 0,
    "held" BIGINT NOT NULL DEFAULT 0,
    "ports" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "run_step_pkey" PRIMARY KEY ("run_id","step_id")
);

-- CreateTable
CREATE TABLE "checkpoint" (
    "run_id" BIGINT NOT NULL,
    "cursor" JSONB,
    "page" INTEGER NOT NULL DEFAULT 0,
    "memory" JSONB NOT NULL DEFAULT '{}',
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "checkpoint_pkey" PRIMARY KEY ("run_id")
);

-- CreateTable
CREATE TABLE "sending_page" (
    "run_id" BIGINT NOT NULL,
    "step_id" TEXT NOT NULL,
    "page" INTEGER NOT NULL,
    "part" INTEGER NOT NULL,
    "connection_id" TEXT NOT NULL,
    "sink" TEXT NOT NULL,
    "receipt" JSONB,
    "lease_token" INTEGER NOT NULL,
    "entered_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sending_page_pkey" PRIMARY KEY ("run_id","step_id","page","part","lease_token")
);

-- CreateTable
CREATE TABLE "seen_key" (
    "scope" TEXT NOT NULL,
    "step_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "run_id" BIGINT NOT NULL,

    CONSTRAINT "seen_key_pkey" PRIMARY KEY ("scope","step_id","key")
);

-- CreateTable
CREATE TABLE "change" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "workspace_id" TEXT NOT NULL,
    "run_id" BIGINT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "step_id" TEXT NOT NULL,
    "connection_id" TEXT NOT NULL,
    "sink" TEXT NOT NULL,
    "page" INTEGER NOT NULL,
    "part" INTEGER NOT NULL DEFAULT 0,
    "record_key" TEXT NOT NULL,
    "source_key" TEXT,
    "operation" TEXT NOT NULL,
    "identity" JSON NOT NULL,
    "before" JSON,
    "after" JSON,
    "remote_id" TEXT,
    "idempotency_key" TEXT,
    "state" TEXT NOT NULL,
    "undo" TEXT NOT NULL,
    "undoes" BIGINT,

    CONSTRAINT "change_pkey" PRIMARY KEY ("run_id","id","at")
) PARTITION BY RANGE ("at");

-- CreateTable
CREATE TABLE "record_outcome" (
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "workspace_id" TEXT NOT NULL,
    "run_id" BIGINT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "step_id" TEXT NOT NULL,
    "keys" TEXT[],
    "outcome" TEXT NOT NULL,
    "id" BIGSERIAL NOT NULL,

    CONSTRAINT "record_outcome_pkey" PRIMARY KEY ("id","at")
) PARTITION BY RANGE ("at");

-- CreateTable
CREATE TABLE "dead_letter" (
    "id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "run_id" BIGINT NOT NULL,
    "version" INTEGER,
    "step_id" TEXT NOT NULL,
    "field" TEXT,
    "key" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "group_reason" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "source" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "replay_run_id" BIGINT,
    "note" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closed_at" TIMESTAMPTZ(3),
    "closed_by" TEXT,

    CONSTRAINT "dead_letter_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "process" (
    "id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "host" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "pool_ids" TEXT[],

    CONSTRAINT "process_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "user_email_key" ON "user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "session_token_key" ON "session"("token");

-- CreateIndex
CREATE INDEX "session_user_id_idx" ON "session"("user_id");

-- CreateIndex
CREATE INDEX "account_user_id_idx" ON "account"("user_id");

-- CreateIndex
CREATE INDEX "verification_identifier_idx" ON "verification"("identifier");

-- CreateIndex
CREATE INDEX "membership_user_id_idx" ON "membership"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "invitation_token_hash_key" ON "invitation"("token_hash");

-- CreateIndex
CREATE INDEX "invitation_workspace_id_idx" ON "invitation"("workspace_id");

-- CreateIndex
CREATE UNIQUE INDEX "api_token_token_hash_key" ON "api_token"("token_hash");

-- CreateIndex
CREATE INDEX "api_token_workspace_id_idx" ON "api_token"("workspace_id");

-- CreateIndex
CREATE INDEX "audit_workspace_id_at_idx" ON "audit"("workspace_id", "at");

-- CreateIndex
CREATE INDEX "audit_workspace_id_subject_idx" ON "audit"("workspace_id", "subject");

-- CreateIndex
CREATE UNIQUE INDEX "connection_workspace_id_name_key" ON "connection"("workspace_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "flow_hook_key_key" ON "flow"("hook_key");

-- CreateIndex
CREATE INDEX "flow_workspace_id_name_idx" ON "flow"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "schedule_next_run_at_idx" ON "schedule"("next_run_at");

-- CreateIndex
CREATE UNIQUE INDEX "run_slot_key" ON "run"("slot");

-- CreateIndex
CREATE INDEX "run_workspace_id_id_idx" ON "run"("workspace_id", "id" DESC);

-- CreateIndex
CREATE INDEX "run_flow_id_id_idx" ON "run"("flow_id", "id" DESC);

-- CreateIndex
CREATE INDEX "run_parent_id_idx" ON "run"("parent_id");

-- CreateIndex
CREATE INDEX "seen_key_run_id_idx" ON "seen_key"("run_id");

-- CreateIndex
CREATE INDEX "dead_letter_workspace_id_state_group_id_idx" ON "dead_letter"("workspace_id", "state", "group_id");

-- CreateIndex
CREATE INDEX "dead_letter_workspace_id_flow_id_state_idx" ON "dead_letter"("workspace_id", "flow_id", "state");

-- CreateIndex
CREATE INDEX "dead_letter_workspace_id_key_idx" ON "dead_letter"("workspace_id", "key");

-- CreateIndex
CREATE INDEX "dead_letter_run_id_idx" ON "dead_letter"("run_id");

-- CreateIndex
CREATE INDEX "dead_letter_replay_run_id_idx" ON "dead_letter"("replay_run_id");

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "account" ADD CONSTRAINT "account_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "membership" ADD CONSTRAINT "membership_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "membership" ADD CONSTRAINT "membership_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "draft" ADD CONSTRAINT "draft_flow_id_fkey" FOREIGN KEY ("flow_id") REFERENCES "flow"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "flow_version" ADD CONSTRAINT "flow_version_flow_id_fkey" FOREIGN KEY ("flow_id") REFERENCES "flow"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule" ADD CONSTRAINT "schedule_flow_id_fkey" FOREIGN KEY ("flow_id") REFERENCES "flow"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- ── By hand ─────────────────────────────────────────────────────────────────────────────────────

-- The ledger is read by run (run page, undo: its primary key) and by record key (journey). Three indexes in all: each costs
-- every write of every flow. `source_key` is kept only where it differs from the record's key.
CREATE INDEX "change_record" ON "change" ("record_key");
CREATE INDEX "change_source" ON "change" ("source_key") WHERE "source_key" IS NOT NULL;
CREATE INDEX "record_outcome_run" ON "record_outcome" ("run_id");
CREATE INDEX "record_outcome_keys" ON "record_outcome" USING gin ("keys");

-- One partition a day, made ahead of time; retention drops whole partitions.
CREATE FUNCTION "plumbline_ensure_partitions"("days_ahead" integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  day date;
BEGIN
  PERFORM pg_advisory_xact_lock(7264001);
  FOREACH parent IN ARRAY ARRAY['change', 'record_outcome'] LOOP
    FOR i IN -1..days_ahead LOOP
      day := (now() AT TIME ZONE 'UTC')::date + i;
      EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        parent || '_' || to_char(day, 'YYYYMMDD'), parent,
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    END LOOP;
  END LOOP;
END $$;
SELECT "plumbline_ensure_partitions"(14);

ALTER TABLE "run"
  ADD CONSTRAINT "run_state" CHECK ("state" IN ('queued', 'running', 'waiting', 'succeeded', 'succeeded_with_errors', 'failed', 'cancelled')),
  ADD CONSTRAINT "run_kind" CHECK ("kind" IN ('flow', 'undo', 'replay')),
  ADD CONSTRAINT "run_mode" CHECK ("mode" IN ('live', 'dry'));
ALTER TABLE "change"
  ADD CONSTRAINT "change_operation" CHECK ("operation" IN ('create', 'update', 'delete')),
  ADD CONSTRAINT "change_state" CHECK ("state" IN ('sending', 'done', 'void', 'unknown', 'foreseen')),
  ADD CONSTRAINT "change_undo" CHECK ("undo" IN ('possible', 'done', 'conflict', 'not possible'));
ALTER TABLE "membership"
  ADD CONSTRAINT "membership_role" CHECK ("role" IN ('viewer', 'builder', 'operator', 'admin', 'owner'));
CREATE INDEX "dead_letter_newest" ON "dead_letter" ("workspace_id", "at" DESC, "id" DESC);
CREATE INDEX "run_active" ON "run" ("state", "resume_at") WHERE "state" IN ('queued', 'running', 'waiting');
