-- Flows that follow changes as they happen, and which worker listens for which connection.

CREATE TABLE "flow_watch" (
    "flow_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "step_id" TEXT NOT NULL,
    "connection" TEXT NOT NULL,
    "stream" TEXT NOT NULL,
    "every_ms" BIGINT NOT NULL,
    "live" BOOLEAN,
    "note" TEXT,
    "looked_at" TIMESTAMPTZ(3),
    "next_at" TIMESTAMPTZ(3),

    CONSTRAINT "flow_watch_pkey" PRIMARY KEY ("flow_id")
);

CREATE INDEX "flow_watch_workspace_id_connection_idx" ON "flow_watch"("workspace_id", "connection");

ALTER TABLE "flow_watch" ADD CONSTRAINT "flow_watch_flow_id_fkey" FOREIGN KEY ("flow_id") REFERENCES "flow"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "connection_watch" (
    "connection_id" TEXT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "lease_worker" TEXT,

    CONSTRAINT "connection_watch_pkey" PRIMARY KEY ("connection_id")
);

ALTER TABLE "connection_watch" ADD CONSTRAINT "connection_watch_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE CASCADE ON UPDATE CASCADE;
