import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { homeSummary } from "../home/home-summary.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertFlow, insertLetter, insertRunRow } from "../testing/rows.ts";
import { listFlows } from "./list-flows.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("s2_summaries");
});
afterAll(() => database?.drop());

const document = (name: string) => ({ name, steps: [{ id: "r", kind: "read", connection: "shop", every: "5m" }] });

describe("the health of a flow", () => {
  it("says what a person must look at before what is merely going on", async () => {
    const ctx = await testContext(database);
    const flow = async (name: string, run?: object) => {
      const id = await insertFlow(ctx, { document: document(name), liveVersion: 1 });
      if (run) await insertRunRow(ctx, { flow_id: id, ...run });
      return id;
    };
    await insertFlow(ctx, { document: document("draft") });
    await flow("fine", { read: 2, created: 2, finished_at: new Date() });
    await flow("new");
    await flow("failed", { state: "failed", error: { code: "x", message: "The table is gone." } });
    await flow("at work", { state: "running", read: 1200 });
    await flow("waits", { state: "waiting", wait_reason: "target" });
    const letters = await flow("letters", { state: "succeeded_with_errors" });
    await insertLetter(ctx, { flow_id: letters });
    await insertLetter(ctx, { flow_id: letters, state: "dismissed" });
    const stopped = await flow("stopped");
    await ctx.db.flow.update({ where: { id: stopped }, data: { paused: true } });
    const dry = await flow("dry run failed", { state: "failed", mode: "dry" });
    const flows = await listFlows(ctx);
    expect(Object.fromEntries(flows.map(({ name, health }) => [name, health]))).toEqual({
      draft: "draft",
      fine: "ok",
      new: "ok",
      failed: "attention",
      "at work": "running",
      waits: "waiting",
      letters: "attention",
      stopped: "paused",
      "dry run failed": "ok",
    });
    const text = Object.fromEntries(flows.map(({ name, healthText }) => [name, healthText]));
    expect(text.failed).toContain("The table is gone.");
    expect(text["at work"]).toBe("Running: 1\u202f200 records read so far.");
    expect(text.fine).toBe("The last run wrote 2 records.");
    expect(flows.find(({ id }) => id === letters)).toMatchObject({
      openLetters: 1,
      connections: ["shop"],
      timing: "every 5 minutes",
    });
    expect(flows.find(({ id }) => id === dry)?.lastRun).toBeNull();

    const home = await homeSummary(ctx);
    expect(home.attentionLeftOut).toBe(0);
    expect(home.attention.map(({ kind, href }) => `${kind} ${href}`).sort()).toEqual(
      [
        `flow /flows/${stopped}`,
        `letters /failed?flow=${letters}`,
        `run /runs/${flows.find(({ name }) => name === "failed")?.lastRun?.id}`,
        `run /runs/${flows.find(({ name }) => name === "waits")?.lastRun?.id}`,
      ].sort(),
    );
    expect(home.today).toMatchObject({ runs: 5, written: 2 });
    expect(home.workersAlive).toBe(0);
  });

  it("names a connection that refuses us", async () => {
    const ctx = await testContext(database);
    await insertFlow(ctx, { document: document("orders"), liveVersion: 1 });
    const data = { id: `con_${ctx.workspaceId}`, name: "shop", connector: "postgres", settings: {}, state: "refused" };
    await ctx.db.connection.create({ data: { ...data, workspaceId: ctx.workspaceId } });
    expect(await listFlows(ctx)).toMatchObject([
      { health: "attention", healthText: expect.stringContaining("“shop”") },
    ]);
    expect((await homeSummary(ctx)).attention).toMatchObject([{ kind: "connection" }]);
  });
});

it("lists 300 flows with 10,000 runs and 5,000 letters in well under a second", async () => {
  const ctx = await testContext(database);
  const steps = JSON.stringify({
    name: "x",
    steps: Array.from({ length: 10 }, (_, n) => ({ id: `s${n}`, connection: "shop" })),
  });
  const of = [ctx.workspaceId, steps];
  await ctx.pool.query(
    `INSERT INTO flow (id, workspace_id, name, hook_key, live_version, created_by, updated_at)
    SELECT $1 || n, $1, 'Flow ' || n, $1 || n, 1, 'a', now() FROM generate_series(1, 300) n`,
    [ctx.workspaceId],
  );
  await ctx.pool.query(
    `INSERT INTO draft (flow_id, workspace_id, document, updated_by)
    SELECT $1 || n, $1, $2::jsonb, 'a' FROM generate_series(1, 300) n`,
    of,
  );
  await ctx.pool.query(
    `INSERT INTO flow_version (flow_id, version, workspace_id, document, note, published_by)
    SELECT $1 || n, 1, $1, $2::jsonb, 'n', 'a' FROM generate_series(1, 300) n`,
    of,
  );
  await ctx.pool.query(
    `INSERT INTO run (workspace_id, flow_id, version, kind, mode, state, trigger, started_by)
    SELECT $1, $1 || (1 + n % 300), 1, 'flow', 'live', 'succeeded', 'schedule', 'schedule' FROM generate_series(1, 10000) n`,
    [ctx.workspaceId],
  );
  await ctx.pool.query(
    `INSERT INTO dead_letter (id, workspace_id, flow_id, run_id, step_id, key, code, reason, group_id, group_reason, data, source)
    SELECT $1 || n, $1, $1 || (1 + n % 300), 1, 's1', n::text, 'c', 'r', 'g', 'r', '{}', '{}' FROM generate_series(1, 5000) n`,
    [ctx.workspaceId],
  );
  await ctx.pool.query("ANALYZE");
  const times: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    const begun = performance.now();
    expect(await listFlows(ctx)).toHaveLength(300);
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  expect(times[2]).toBeLessThan(400); // about 15 ms on an idle machine; room for a busy one
});
