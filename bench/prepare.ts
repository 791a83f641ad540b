/** A workspace with connections and published flows, as a benchmark needs them. */
import type pg from "pg";
import { hashToken } from "../server/auth/who.ts";
import { sealCredentials } from "../server/connections/stored-connection.ts";
import { adminUrl, newSecretKey } from "./harness.ts";

export const WORKSPACE = "ws_bench";

/** The key that seals credentials here; the worker and the server of a benchmark are started with it. */
export const secretKey = newSecretKey();
process.env.PLUMBLINE_SECRET_KEY = secretKey;

/** What every flow document of a benchmark has besides its steps. */
export const HEAD = {
  format: "plumbline/1",
  name: "Bench",
  brief: {
    moves: "orders",
    direction: "one-way",
    timing: "by hand",
    onFailure: "dead letter",
    owner: "bench@example.com",
    rollback: "undo",
  },
};

export async function addWorkspace(product: pg.Pool): Promise<void> {
  await product.query("INSERT INTO workspace (id, name) VALUES ($1, 'Bench')", [WORKSPACE]);
}

export type NewConnection = { name: string; connector: string; settings: object; credentials: object };

/** A connection named in flow documents by `name`; its id is `con_<name>`. */
export async function addConnection(product: pg.Pool, connection: NewConnection): Promise<void> {
  const { name, connector, settings, credentials } = connection;
  const id = `con_${name}`;
  await product.query(
    `INSERT INTO connection (id, workspace_id, name, connector, settings, credentials, updated_at) VALUES ($1, $2, $3, $4, $5, $6, now())`,
    [id, WORKSPACE, name, connector, JSON.stringify(settings), sealCredentials(WORKSPACE, id, credentials)],
  );
}

/** A connection to a database of the benchmark's PostgreSQL. */
export async function addDatabase(product: pg.Pool, name: string, database: string): Promise<void> {
  const { hostname, port, username, password } = new URL(adminUrl());
  await addConnection(product, {
    name,
    connector: "postgres",
    settings: { host: hostname, port: Number(port || 5432), database, schema: "public", ssl: "disable" },
    credentials: { user: decodeURIComponent(username || "postgres"), password: decodeURIComponent(password) },
  });
}

/** A published flow; its web address is `/hooks/<id>` when it starts with a webhook. */
export async function addFlow(product: pg.Pool, id: string, document: object): Promise<void> {
  await product.query(
    `INSERT INTO flow (id, workspace_id, name, hook_key, live_version, created_by, updated_at) VALUES ($1::text, $2, $1, $1, 1, 'bench', now())`,
    [id, WORKSPACE],
  );
  await product.query(
    `INSERT INTO flow_version (flow_id, version, workspace_id, document, note, published_by) VALUES ($1, 1, $2, $3, 'bench', 'bench')`,
    [id, WORKSPACE, JSON.stringify(document)],
  );
}

/** The row of a run that is queued; the caller enqueues its job. @returns its number */
export async function addRun(client: pg.Pool | pg.PoolClient, flowId: string): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by) VALUES ($1, $2, 1, 'flow', 'live', 'api', 'bench') RETURNING id::text`,
    [WORKSPACE, flowId],
  );
  return (rows[0] as { id: string }).id;
}

/** Rows of so many queued runs, of flows `flow0` … in turn; the caller enqueues their jobs. @returns their numbers */
export async function addRuns(client: pg.PoolClient, runs: number, flows: number): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by)
     SELECT $1, 'flow' || n % $3, 1, 'flow', 'live', 'api', 'bench' FROM generate_series(0, $2::int - 1) AS n RETURNING id::text`,
    [WORKSPACE, runs, flows],
  );
  return rows.map(({ id }) => id);
}

/** An owner's API token. @returns the token */
export async function addToken(product: pg.Pool): Promise<string> {
  const token = "plb_bench";
  await product.query(
    `INSERT INTO api_token (id, workspace_id, name, role, hint, token_hash, created_by) VALUES ('tok_bench', $1, 'Bench', 'owner', 'plb_', $2, 'bench')`,
    [WORKSPACE, hashToken(token)],
  );
  return token;
}
