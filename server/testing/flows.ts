/** Flows on real PostgreSQL databases for tests: connections, a published flow, and runs executed as a worker does. */

import { createConnection } from "../connections/change-connections.ts";
import type { ServerContext } from "../context.ts";
import { createFlow } from "../flows/create-flow.ts";
import { publishFlow } from "../flows/publish-flow.ts";
import { showPresence } from "../processes/presence.ts";
import { executeRun } from "../runs/execute-run.ts";
import { type StartRun, startRun } from "../runs/start-run.ts";
import type { TestDatabase } from "./database.ts";

export const TEST_BRIEF = {
  moves: "orders",
  direction: "one-way",
  timing: "by hand",
  onFailure: "dead letter",
  owner: "ana@example.com",
  rollback: "undo",
};

/** A connection to a database of the test server. */
export async function connectDatabase(ctx: ServerContext, name: string, url: string): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const settings = { host: hostname, port: Number(port || 5432), database: pathname.slice(1), schema: "public" };
  const credentials = { user: decodeURIComponent(username || "postgres"), password: decodeURIComponent(password) };
  return (await createConnection(ctx, { name, connector: "postgres", settings, credentials })).id;
}

/** Creates a flow and publishes it. */
export async function publishedFlow(ctx: ServerContext, document: object): Promise<string> {
  const { id } = await createFlow(ctx, document);
  await publishFlow(ctx, { flowId: id, note: "test" });
  return id;
}

/** Executes a run as workers do, attempt after attempt, until it ends or waits. */
export async function runToEnd(database: TestDatabase, runId: string, sliceMs = 20_000): Promise<void> {
  const presence = await showPresence(database.pool, "worker");
  try {
    for (let attempt = 0; attempt < 1_000; attempt++) {
      const services = { db: database.db, pool: database.pool, workerId: presence.id, sliceMs };
      const done = await executeRun(services, { run: runId, signal: new AbortController().signal });
      if (done?.end !== "yielded") return;
    }
    throw new Error(`Run ${runId} yields for ever.`);
  } finally {
    await presence.stop();
  }
}

/** Starts a run and executes it. */
export async function runFlow(
  database: TestDatabase,
  ctx: ServerContext,
  flowId: string,
  options: Partial<StartRun> = {},
): Promise<string> {
  const { id } = await startRun(ctx, { flowId, mode: "live", ...options });
  await runToEnd(database, id);
  return id;
}
