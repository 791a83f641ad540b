import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { callerAs } from "../testing/callers.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertChange, insertFlow, insertRunRow, queuedRuns } from "../testing/rows.ts";

let database: TestDatabase;
let ctx: ServerContext;
beforeAll(async () => {
  database = await testDatabase("s2_undo");
});
afterAll(() => database?.drop());

async function runWithChanges(columns: object = {}): Promise<{ flowId: string; runId: string }> {
  ctx = await testContext(database);
  const flowId = await insertFlow(ctx, { liveVersion: 2 });
  const runId = await insertRunRow(ctx, { flow_id: flowId, version: 2, ...columns });
  for (const key of ["a", "b"]) await insertChange(ctx, { run_id: runId, flow_id: flowId, record_key: key });
  return { flowId, runId };
}
const refusal = (code: string) => ({ cause: { code } });

describe("undoing a run", () => {
  it("queues a run of its own that knows its parent, the choice and the rule for conflicts", async () => {
    const { flowId, runId } = await runWithChanges();
    const { id } = await callerAs(ctx).runs.undo({ runId, records: ["a"], onConflict: "force" });
    const run = await ctx.db.run.findUniqueOrThrow({ where: { id: BigInt(id) } });
    expect(run).toMatchObject({ flowId, version: 2, kind: "undo", mode: "live", state: "queued", trigger: "undo" });
    expect(run).toMatchObject({ parentId: BigInt(runId), request: { records: ["a"], onConflict: "force" } });
    expect(await queuedRuns(ctx)).toContain(id);
    expect(await ctx.db.audit.count({ where: { workspaceId: ctx.workspaceId, action: "run.undo" } })).toBe(1);
  });

  it("as a preview is a dry run, which may go beside another undo", async () => {
    const { runId } = await runWithChanges();
    await callerAs(ctx).runs.undo({ runId });
    const { id } = await callerAs(ctx).runs.undo({ runId, preview: true });
    expect(await callerAs(ctx).runs.get({ runId: id })).toMatchObject({ kind: "undo", mode: "dry", parentId: runId });
  });

  it("is queued once when two people press it at the same time", async () => {
    const { runId } = await runWithChanges();
    const both = await Promise.allSettled([callerAs(ctx).runs.undo({ runId }), callerAs(ctx).runs.undo({ runId })]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: refusal("undo-running") });
    expect(await ctx.db.run.count({ where: { parentId: BigInt(runId) } })).toBe(1);
  });

  it("works for a run whose flow was removed or stopped, and for an undo", async () => {
    const { flowId, runId } = await runWithChanges();
    await callerAs(ctx).flows.pause({ flowId });
    await callerAs(ctx).flows.remove({ flowId });
    expect((await callerAs(ctx).runs.undo({ runId })).id).toMatch(/^\d+$/);
    const undone = await insertRunRow(ctx, { flow_id: flowId, kind: "undo", parent_id: runId });
    await insertChange(ctx, { run_id: undone, record_key: "a", operation: "delete" });
    expect((await callerAs(ctx).runs.undo({ runId: undone })).id).toMatch(/^\d+$/);
  });

  it("is refused for a dry run, a run at work, and when nothing is left", async () => {
    const dry = await runWithChanges({ mode: "dry" });
    await expect(callerAs(ctx).runs.undo({ runId: dry.runId })).rejects.toMatchObject(refusal("dry-run"));
    const running = await runWithChanges({ state: "running" });
    await expect(callerAs(ctx).runs.undo({ runId: running.runId })).rejects.toMatchObject(refusal("run-not-finished"));
    const { runId } = await runWithChanges();
    await ctx.pool.query(
      `UPDATE change SET undo = CASE record_key WHEN 'a' THEN 'done' ELSE 'not possible' END WHERE run_id = $1`,
      [runId],
    );
    await expect(callerAs(ctx).runs.undo({ runId })).rejects.toMatchObject(refusal("nothing-to-undo"));
    await ctx.pool.query(`UPDATE change SET undo = 'conflict' WHERE run_id = $1 AND record_key = 'b'`, [runId]);
    await expect(callerAs(ctx).runs.undo({ runId, records: ["a"] })).rejects.toMatchObject(refusal("nothing-to-undo"));
    expect((await callerAs(ctx).runs.undo({ runId, onConflict: "force" })).id).toMatch(/^\d+$/);
  });

  it("names records the run did not change", async () => {
    const { runId } = await runWithChanges();
    await expect(callerAs(ctx).runs.undo({ runId, records: ["a", "zebra"] })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("“zebra”"),
      cause: { code: "records-not-in-run", details: { records: ["zebra"] } },
    });
    await expect(callerAs(ctx).runs.undo({ runId, records: [] })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});
