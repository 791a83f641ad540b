import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertFlow, insertRunRow } from "../testing/rows.ts";

/** Tables of the installation, and why none of their rows is a workspace's. */
const OF_NO_WORKSPACE: { [table: string]: string } = {
  user: "a person may be in several workspaces; membership says in which",
  session: "a person's, wherever they work",
  account: "how a person signs in",
  verification: "a person's address, before they are anywhere",
  workspace: "it is the workspace",
  process: "web and worker processes serve all workspaces",
  _prisma_migrations: "the schema's own history",
};

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("schema");
});
afterAll(() => database.drop());

type Column = { table: string; column: string; required: boolean };

async function columns(): Promise<Column[]> {
  const { rows } = await database.pool.query<Column>(
    `SELECT c.relname AS table, a.attname AS column, a.attnotnull AS required
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY c.relname, a.attname`,
  );
  return rows;
}

it("every row names its workspace, but for the tables of the installation", async () => {
  const all = await columns();
  const tables = [...new Set(all.map(({ table }) => table))];
  const named = new Set(all.filter((c) => c.column === "workspace_id" && c.required).map(({ table }) => table));
  expect(tables.length).toBeGreaterThan(30);
  expect(tables.filter((table) => !named.has(table)).sort()).toEqual(Object.keys(OF_NO_WORKSPACE).sort());
});

it("schema.prisma says the columns the migrations made, and which are required", async () => {
  const text = readFileSync(new URL("../../prisma/schema.prisma", import.meta.url), "utf8");
  const models = [...text.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name = "", body = ""]) => ({
    name,
    body,
  }));
  const isModel = new Set(models.map(({ name }) => name));
  const said = models.flatMap(({ body }) => {
    const table = body.match(/@@map\("(\w+)"\)/)?.[1] ?? "";
    return [...body.matchAll(/^ {2}(\w+) +(\w+)(\?|\[\])?(.*)$/gm)]
      .filter(([, , type = ""]) => !isModel.has(type))
      .map(([, field = "", , mark, rest = ""]): Column => {
        const column = rest.match(/@map\("(\w+)"\)/)?.[1] ?? field;
        return { table, column, required: mark === undefined };
      });
  });
  const line = ({ table, column, required }: Column) => `${table}.${column}${required ? "" : "?"}`;
  // Prisma has no optional lists: they are NULL or not as the migration says
  const lists = new Set([...text.matchAll(/^ {2}(\w+) +\w+\[\]/gm)].map(([, field]) => field));
  const compared = (all: Column[]) =>
    all
      .filter(({ table, column }) => table !== "_prisma_migrations" && !lists.has(column))
      .map(line)
      .sort();
  expect(compared(said)).toEqual(compared(await columns()));
});

const WITHOUT = [
  ["run_step", "run_id, step_id", "$1, 's'"],
  ["run_stretch", "run_id, number, range, first_page, page", "$1, 0, '{}', 0, 0"],
  ["checkpoint", "run_id", "$1"],
  ["sending_page", "run_id, step_id, page, part, connection_id, sink, lease_token", "$1, 's', 0, 0, 'c', 'k', 1"],
  ["collect_item", "run_id, step_id, group_key, seq, ref, record", "$1, 's', 'g', 1, 1, '{}'"],
  ["collect_waiting", "run_id, ref, parts, rank", "$1, 1, 1, 0"],
  ["inbox_queue", "flow_id, id, size_bytes", "$2, $1, 2"],
  [
    "inbox_sending",
    "flow_id, part, lease_token, step_id, connection_id, sink, first_run, last_run",
    "$2, 0, 1, 's', 'c', 'k', $1, $1",
  ],
  ["inbox_answer", "id, flow_id, answer", "$1, $2, '{}'"],
  ["seen_key", "scope, step_id, key, run_id", "$1::bigint::text, 's', 'of the run', $1"],
  ["seen_key", "scope, step_id, key, run_id", "$2, 's', 'for good', $1 + 1000"],
] as const;

it("rows of the version before get the workspace of their run or flow; those of neither go", async () => {
  const ctx = await testContext(database, "admin");
  const flowId = await insertFlow(ctx, { liveVersion: 1 });
  const runId = await insertRunRow(ctx, { flow_id: flowId });
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN");
    for (const table of new Set(WITHOUT.map(([name]) => name)))
      await client.query(`ALTER TABLE ${table} DROP COLUMN workspace_id`);
    for (const [table, names, values] of WITHOUT) {
      const insert = `INSERT INTO ${table} (${names}) SELECT ${values} FROM (SELECT $1::bigint, $2::text) AS given`;
      await client.query(insert, [runId, flowId]);
      await client.query(insert, ["999999", "flow_gone"]);
    }
    for (const name of ["20261128080000_workspace_of_every_row", "20261128080100_workspace_required"])
      await client.query(
        readFileSync(new URL(`../../prisma/migrations/${name}/migration.sql`, import.meta.url), "utf8"),
      );
    for (const [table, count] of Map.groupBy(WITHOUT, ([name]) => name)) {
      const { rows } = await client.query(`SELECT workspace_id AS ws FROM ${table}`);
      expect({ table, rows }).toEqual({ table, rows: count.map(() => ({ ws: ctx.workspaceId })) });
    }
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});
