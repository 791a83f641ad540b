-- Flows with order by-key: records that wait behind a dead one of the same key, in the order they came.

CREATE TABLE "parked_record" (
    "id" BIGSERIAL NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "flow_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "run_id" BIGINT NOT NULL,
    "source" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "parked_record_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "parked_record_flow_id_key_id_idx" ON "parked_record"("flow_id", "key", "id");

-- By hand
CREATE INDEX "dead_letter_blocks" ON "dead_letter" ("flow_id", "key") WHERE "state" IN ('open', 'replaying');
