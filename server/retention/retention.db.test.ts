import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerFor, testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertFlow } from "../testing/rows.ts";
import { applyRetention } from "./apply-retention.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("retention");
});
afterAll(() => database.drop());

const dayAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

async function partition(day: Date): Promise<void> {
  const from = day.toISOString().slice(0, 10);
  const to = new Date(Date.parse(from) + 86_400_000).toISOString().slice(0, 10);
  for (const table of ["change", "record_outcome"])
    await database.pool.query(
      `CREATE TABLE IF NOT EXISTS ${table}_${from.replaceAll("-", "")} PARTITION OF ${table} FOR VALUES FROM ('${from} 00:00+00') TO ('${to} 00:00+00')`,
    );
}

async function change(workspaceId: string, at: Date): Promise<void> {
  await database.pool.query(
    `INSERT INTO change (workspace_id, at, run_id, flow_id, step_id, connection_id, sink, page, record_key, operation, identity, state, undo)
     VALUES ($1, $2, 1, 'f', 's', 'c', 'k', 0, 'k1', 'create', '{}', 'done', 'possible')`,
    [workspaceId, at],
  );
}
async function run(workspaceId: string, days: number, state = "succeeded"): Promise<string> {
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO run (workspace_id, flow_id, kind, mode, state, trigger, started_by, created_at, finished_at)
     VALUES ($1, 'f', 'flow', 'live', $2, 'manual', 'test', $3, CASE WHEN $2 <> 'waiting' THEN $3::timestamptz END) RETURNING id::text`,
    [workspaceId, state, dayAgo(days)],
  );
  const id = rows[0]?.id ?? "";
  await database.pool.query("INSERT INTO run_step (workspace_id, run_id, step_id) VALUES ($2, $1, 's')", [
    id,
    workspaceId,
  ]);
  await database.pool.query("INSERT INTO checkpoint (workspace_id, run_id) VALUES ($2, $1)", [id, workspaceId]);
  return id;
}
async function letter(workspaceId: string, id: string, state: string, days: number, runId = "0"): Promise<void> {
  await database.pool.query(
    `INSERT INTO dead_letter (id, workspace_id, flow_id, run_id, step_id, key, code, reason, group_id, group_reason, data, source, state, at, closed_at)
     VALUES ($1, $2, 'f', $5, 's', 'k', 'c', 'r', 'g', 'r', '{}', '{}', $3, $4, CASE WHEN $3 <> 'open' THEN $4::timestamptz END)`,
    [id, workspaceId, state, dayAgo(days), runId],
  );
}
const ids = async (table: string) =>
  (await database.pool.query<{ id: string }>(`SELECT id::text FROM ${table} ORDER BY id`)).rows.map(({ id }) => id);

it("removes what was kept long enough and nothing else, each workspace by its own days, while runs go on", async () => {
  const ours = await testContext(database, "admin");
  const short = await testContext(database, "admin");
  await callerFor(short).settings.setRetention({ ledgerDays: 10, runsDays: 10, lettersDays: 10, auditDays: 10 });
  expect(await callerFor(ours).settings.retention({})).toEqual({
    ledgerDays: 90,
    runsDays: 180,
    lettersDays: 90,
    auditDays: 365,
  });
  for (const days of [100, 20, 5]) {
    await partition(dayAgo(days));
    await change(ours.workspaceId, dayAgo(days));
    await change(short.workspaceId, dayAgo(days));
  }
  const kept = [await run(ours.workspaceId, 170), await run(ours.workspaceId, 400, "waiting")];
  const pointedTo = await run(ours.workspaceId, 400, "succeeded_with_errors");
  await letter(ours.workspaceId, "dl_open", "open", 300, pointedTo);
  const old = await run(ours.workspaceId, 200);
  const shortOld = await run(short.workspaceId, 20);
  // what only belonged to a run that is gone, parts that were kept and let go, and an event of a flow that was removed
  const { pool } = database;
  for (const id of [old, kept[0]]) {
    await pool.query(
      "INSERT INTO collect_item (workspace_id, run_id, step_id, group_key, seq, ref, record) VALUES ($2, $1, 's', 'g', 1, 1, '{}')",
      [id, ours.workspaceId],
    );
    await pool.query("INSERT INTO collect_waiting (workspace_id, run_id, ref, parts, rank) VALUES ($2, $1, 1, 1, 0)", [
      id,
      ours.workspaceId,
    ]);
    await pool.query(
      "INSERT INTO seen_key (workspace_id, scope, step_id, key, run_id) VALUES ($2, $1::bigint::text, 's', 'k', $1::bigint)",
      [id, ours.workspaceId],
    );
  }
  for (const [key, state, days] of [
    ["gone", "released", 200],
    ["here", "released", 20],
    ["open", "open", 400],
  ] as const)
    await pool.query(
      `INSERT INTO held_part (workspace_id, flow_id, version, run_id, step_id, kind, key, data, source, state, at)
       VALUES ($1, 'f', 1, 1, 's', 'wait', $2, '{}', '{}', $3, $4)`,
      [ours.workspaceId, key, state, dayAgo(days)],
    );
  const flows = { removed: await insertFlow(ours), live: await insertFlow(ours) };
  await pool.query("UPDATE flow SET deleted_at = now() WHERE id = $1", [flows.removed]);
  for (const [key, flow, days] of [
    ["gone", flows.removed, 200],
    ["here", flows.removed, 20],
    ["turn", flows.live, 400],
  ] as const)
    await pool.query(
      "INSERT INTO parked_record (workspace_id, flow_id, run_id, key, source, at) VALUES ($1, $2, 1, $3, '{}', $4)",
      [ours.workspaceId, flow, key, dayAgo(days)],
    );
  for (const days of [200, 20])
    await pool.query(
      `INSERT INTO inbox_event (workspace_id, flow_id, event_id, received_at, content_type, headers, body)
       VALUES ($1, 'removed', $2, $3, 'application/json', '{}', '{}')`,
      [ours.workspaceId, `${days}`, dayAgo(days)],
    );
  await letter(ours.workspaceId, "dl_recent", "resolved", 30);
  await letter(ours.workspaceId, "dl_old", "dismissed", 100);
  await letter(short.workspaceId, "dl_short", "resolved", 30);
  for (const [id, run] of [
    ["dl_old", kept[0]],
    ["dl_recent", old],
    ["dl_recent", kept[0]],
  ])
    await pool.query(
      "INSERT INTO dead_letter_run (letter_id, run_id, workspace_id, at, reason) VALUES ($1, $2, $3, now(), 'x')",
      [id, run, ours.workspaceId],
    );

  // a run in the middle of a transaction on the ledger holds nobody up, and is not held up
  const busy = await database.pool.connect();
  await busy.query("BEGIN");
  await busy.query("SELECT count(*) FROM change WHERE at > now() - interval '1 hour'");
  const removing = applyRetention(database.pool);
  await new Promise((done) => setTimeout(done, 300));
  await busy.query("SET LOCAL statement_timeout = '2s'");
  await busy.query(
    `INSERT INTO change (workspace_id, run_id, flow_id, step_id, connection_id, sink, page, record_key, operation, identity, state, undo)
     VALUES ($1, 2, 'f', 's', 'c', 'k', 0, 'now', 'create', '{}', 'done', 'possible')`,
    [ours.workspaceId],
  );
  await busy.query("COMMIT");
  busy.release();
  const removed = await removing;
  const gone = dayAgo(100).toISOString().slice(0, 10).replaceAll("-", "");
  expect(removed.partitions).toEqual([`change_${gone}`, `record_outcome_${gone}`]);
  const { rows } = await database.pool.query("SELECT workspace_id AS ws, count(*)::int AS n FROM change GROUP BY 1");
  expect(Object.fromEntries(rows.map(({ ws, n }) => [ws, n]))).toEqual({
    [ours.workspaceId]: 3,
    [short.workspaceId]: 1,
  });
  expect(await ids("run")).toEqual([...kept, pointedTo].sort((a, b) => Number(a) - Number(b)));
  expect((await database.pool.query("SELECT FROM run_step WHERE run_id = ANY($1)", [[old, shortOld]])).rowCount).toBe(
    0,
  );
  expect(await ids("dead_letter")).toEqual(["dl_open", "dl_recent"]);
  expect((await pool.query("SELECT letter_id AS id, run_id::text AS run FROM dead_letter_run")).rows).toEqual([
    { id: "dl_recent", run: kept[0] },
  ]);
  for (const table of ["collect_item", "collect_waiting", "seen_key"])
    expect((await pool.query(`SELECT run_id::text AS run FROM ${table}`)).rows, table).toEqual([{ run: kept[0] }]);
  expect((await pool.query("SELECT key FROM held_part ORDER BY key")).rows).toEqual([{ key: "here" }, { key: "open" }]);
  expect((await pool.query("SELECT key FROM parked_record ORDER BY key")).rows).toEqual([
    { key: "here" },
    { key: "turn" },
  ]);
  expect((await pool.query("SELECT event_id AS id FROM inbox_event")).rows).toEqual([{ id: "20" }]);
  expect((await database.pool.query("SELECT FROM audit WHERE action = 'workspace.update'")).rowCount).toBe(1);
  expect(await applyRetention(database.pool)).toEqual({ partitions: [], rows: {} });
});

it("is one worker's work at a time, and for admins to set", async () => {
  const results = await Promise.all([applyRetention(database.pool), applyRetention(database.pool)]);
  expect(results).toHaveLength(2);
  const viewer = await testContext(database, "viewer");
  const days = { ledgerDays: 1, runsDays: 1, lettersDays: 1, auditDays: 1 };
  await expect(callerFor(viewer).settings.setRetention(days)).rejects.toMatchObject({ code: "FORBIDDEN" });
  const admin = await testContext(database, "admin");
  await expect(callerFor(admin).settings.setRetention({ ...days, ledgerDays: 0 })).rejects.toThrow("at least a day");
});

describe("while somebody reads the ledger for long", () => {
  const partitions = async () =>
    (
      await database.pool.query<{ name: string }>(
        "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname ~ '^change_[0-9]{8}$' ORDER BY 1",
      )
    ).rows.map(({ name }) => name);
  const nameOf = (day: Date) => `change_${day.toISOString().slice(0, 10).replaceAll("-", "")}`;

  /** As a backup does: a transaction that has looked at every partition. */
  async function reading<T>(work: () => Promise<T>): Promise<T> {
    const reader = await database.pool.connect();
    try {
      await reader.query("BEGIN");
      await reader.query("SELECT count(*) FROM change");
      return await work();
    } finally {
      await reader.query("ROLLBACK");
      reader.release();
    }
  }

  it("the days to come are made, and runs write", async () => {
    const ctx = await testContext(database, "admin");
    await reading(async () => {
      const before = await partitions();
      const ahead = 14 + before.length;
      await database.pool.query(`SET statement_timeout = 5000; SELECT plumbline_ensure_partitions(${ahead})`);
      expect((await partitions()).length).toBeGreaterThan(before.length);
      await change(ctx.workspaceId, new Date());
      await change(ctx.workspaceId, dayAgo(-ahead));
    });
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS n FROM change WHERE workspace_id = $1 AND tableoid = $2::regclass",
      [ctx.workspaceId, nameOf(new Date())],
    );
    expect(rows).toEqual([{ n: 1 }]);
    const indexes = async (table: string) =>
      (
        await database.pool.query<{ columns: string }>(
          "SELECT regexp_replace(indexdef, '^.* USING ', '') AS columns FROM pg_indexes WHERE tablename = $1 ORDER BY 1",
          [table],
        )
      ).rows;
    expect(await indexes(nameOf(dayAgo(-15)))).toEqual(await indexes("change"));
  });

  it("old days go later, nobody waits for that, and nothing is left behind", async () => {
    const ctx = await testContext(database, "admin");
    for (const days of [102, 101]) {
      await partition(dayAgo(days));
      await change(ctx.workspaceId, dayAgo(days));
    }
    await reading(async () => {
      const removing = applyRetention(database.pool);
      let over = false;
      removing.finally(() => {
        over = true;
      });
      let writes = 0;
      let slowest = 0;
      while (!over) {
        const at = performance.now();
        await change(ctx.workspaceId, new Date());
        await database.pool.query("SELECT count(*) FROM change WHERE workspace_id = $1", [ctx.workspaceId]);
        slowest = Math.max(slowest, performance.now() - at);
        writes++;
        await new Promise((done) => setTimeout(done, 50));
      }
      expect((await removing).partitions).not.toContain(nameOf(dayAgo(102)));
      expect(writes).toBeGreaterThan(20);
      expect(slowest).toBeLessThan(3_000);
    });
    expect((await applyRetention(database.pool)).partitions).toEqual(
      expect.arrayContaining([nameOf(dayAgo(102)), nameOf(dayAgo(101))]),
    );
    expect(await partitions()).not.toContain(nameOf(dayAgo(102)));
    expect(await partitions()).not.toContain(nameOf(dayAgo(101)));
  }, 90_000);
});
