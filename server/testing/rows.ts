/** Rows of the data plane as workers store them, for tests of what reads them. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import { newId } from "../ids.ts";

type Columns = { [column: string]: unknown };

/** A flow with a draft; with `liveVersion` also that version. @returns its id */
export async function insertFlow(
  { db, workspaceId, actor }: ServerContext,
  { document = { name: "Orders" }, liveVersion }: { document?: JsonRecord; liveVersion?: number } = {},
): Promise<string> {
  const id = newId("flow");
  const by = actor.name;
  await db.flow.create({
    data: {
      id,
      workspaceId,
      name: String(document.name),
      hookKey: newId("hook"),
      createdBy: by,
      liveVersion: liveVersion ?? null,
      draft: { create: { workspaceId, document, updatedBy: by } },
      ...(liveVersion === undefined
        ? {}
        : { versions: { create: { workspaceId, version: liveVersion, document, note: "first", publishedBy: by } } }),
    },
  });
  return id;
}

/** A run; `columns` by their names in the database. @returns its number */
export async function insertRunRow({ pool, workspaceId }: ServerContext, columns: Columns = {}): Promise<string> {
  const row = {
    kind: "flow",
    mode: "live",
    state: "succeeded",
    trigger: "manual",
    started_by: "ana@example.com",
    ...columns,
  };
  return insert(pool, "run", { workspace_id: workspaceId, flow_id: "flow_none", version: 1, ...row });
}

/** A ledger row. @returns its number */
export async function insertChange({ pool, workspaceId }: ServerContext, columns: Columns): Promise<string> {
  const row = { step_id: "books", connection_id: "con_none", sink: "invoices", page: 0, operation: "create" };
  const rest = { identity: {}, before: null, after: { total: 1 }, state: "done", undo: "possible" };
  return insert(pool, "change", { workspace_id: workspaceId, flow_id: "flow_none", ...row, ...rest, ...columns });
}

/** A dead letter. @returns its id */
export async function insertLetter({ pool, workspaceId }: ServerContext, columns: Columns): Promise<string> {
  const row = { id: newId("dl"), step_id: "check", key: "1", code: "not-email", reason: 'found "x"', group_id: "g1" };
  const rest = {
    group_reason: "found …",
    data: { email: "x" },
    source: { mail: "x" },
    run_id: 1,
    version: 1,
    flow_id: "flow_none",
  };
  return insert(pool, "dead_letter", { workspace_id: workspaceId, ...row, ...rest, ...columns });
}

async function insert(pool: ServerContext["pool"], table: string, columns: Columns): Promise<string> {
  const names = Object.keys(columns);
  const values = names.map((name) => columns[name]);
  const places = names.map((_, index) => `$${index + 1}`);
  const quoted = names.map((name) => `"${name}"`);
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO "${table}" (${quoted.join(", ")}) VALUES (${places.join(", ")}) RETURNING id::text`,
    values.map((value) =>
      typeof value === "object" && value !== null && !(value instanceof Date) ? JSON.stringify(value) : value,
    ),
  );
  return rows[0]?.id ?? "";
}

/** Runs that wait in the queue, in the order they were added. */
export async function queuedRuns({ pool }: ServerContext): Promise<string[]> {
  const { rows } = await pool.query<{ runId: string }>(
    `SELECT j.payload ->> 'runId' AS "runId" FROM graphile_worker._private_jobs j
     JOIN graphile_worker._private_tasks t ON t.id = j.task_id WHERE t.identifier = 'run' ORDER BY j.id`,
  );
  return rows.map(({ runId }) => runId);
}
