import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { callerAs } from "../testing/callers.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertChange, insertFlow, insertLetter, insertRunRow, queuedRuns } from "../testing/rows.ts";
import { getRun, getRunDetail } from "./get-run.ts";

let database: TestDatabase;
let ctx: ServerContext;
beforeAll(async () => {
  database = await testDatabase("s2_runs");
});
afterAll(() => database?.drop());
const fresh = async () => {
  ctx = await testContext(database);
  return ctx;
};

const document = {
  name: "Orders",
  steps: [
    { id: "orders", kind: "read" },
    { id: "books", kind: "write" },
  ],
};
const stateOf = async (id: string) => (await getRun(ctx, id)).run.state;

describe("starting a run", () => {
  it("stores a queued run of the live version together with its job and an audit entry", async () => {
    await fresh();
    const flowId = await insertFlow(ctx, { document, liveVersion: 3 });
    const { id } = await callerAs(ctx).runs.start({ flowId, mode: "live", limit: 10 });
    const run = await ctx.db.run.findUniqueOrThrow({ where: { id: BigInt(id) } });
    expect(run).toMatchObject({ flowId, version: 3, document: null, kind: "flow", mode: "live", state: "queued" });
    expect(run).toMatchObject({ trigger: "manual", startedBy: ctx.actor.name, request: { limit: 10 } });
    expect(await queuedRuns(ctx)).toContain(id);
    expect(
      await ctx.db.audit.findFirst({ where: { workspaceId: ctx.workspaceId, action: "run.start" } }),
    ).toMatchObject({
      subject: flowId,
      actor: ctx.actor.name,
    });
  });

  it("runs the draft when it is dry, published or not, also while the flow is stopped", async () => {
    await fresh();
    const flowId = await insertFlow(ctx, { document });
    await ctx.db.flow.update({ where: { id: flowId }, data: { paused: true } });
    const { id } = await callerAs(ctx).runs.start({ flowId, mode: "dry" });
    const { run, document: ran } = await getRun(ctx, id);
    expect(run).toMatchObject({ mode: "dry", version: null });
    expect(ran).toEqual(document);
  });

  it("is refused live before the first version and while the flow is stopped", async () => {
    await fresh();
    const draft = await insertFlow(ctx, { document });
    await expect(callerAs(ctx).runs.start({ flowId: draft, mode: "live" })).rejects.toMatchObject({
      code: "CONFLICT",
      cause: { code: "not-published" },
    });
    const live = await insertFlow(ctx, { document, liveVersion: 1 });
    await callerAs(ctx).flows.pause({ flowId: live });
    await expect(callerAs(ctx).runs.start({ flowId: live, mode: "live" })).rejects.toMatchObject({
      cause: { code: "paused" },
    });
    expect(await ctx.db.run.count({ where: { workspaceId: ctx.workspaceId } })).toBe(0);
  });

  it("leaves neither run nor job when its transaction fails", async () => {
    await fresh();
    const before = await queuedRuns(ctx);
    await expect(callerAs(ctx).runs.start({ flowId: "flow_gone", mode: "live" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await queuedRuns(ctx)).toEqual(before);
  });
});

describe("who may", () => {
  it("starts with the role: 403 comes before 404", async () => {
    await fresh();
    const viewer = callerAs(ctx, "viewer");
    await expect(viewer.runs.start({ flowId: "nothing", mode: "dry" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    const builder = callerAs(ctx, "builder");
    await expect(builder.runs.cancel({ runId: "99999999" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(builder.runs.undo({ runId: "99999999" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(callerAs(ctx, "operator").runs.undo({ runId: "99999999" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("sees nothing of another workspace", async () => {
    await fresh();
    const flowId = await insertFlow(ctx, { document, liveVersion: 1 });
    const runId = await insertRunRow(ctx, { flow_id: flowId, state: "running" });
    const stranger = callerAs(await testContext(database));
    expect((await stranger.runs.list({})).items).toEqual([]);
    await Promise.all(
      [
        stranger.runs.get({ runId }),
        stranger.runs.changes({ runId }),
        stranger.runs.cancel({ runId }),
        stranger.runs.undo({ runId }),
        stranger.runs.start({ flowId, mode: "live" }),
      ].map((attempt: Promise<unknown>) => expect(attempt).rejects.toMatchObject({ code: "NOT_FOUND" })),
    );
  });
});

describe("cancelling", () => {
  it("ends a run that has not begun at once, and asks one at work to stop", async () => {
    await fresh();
    const queued = await insertRunRow(ctx, { state: "queued" });
    const waiting = await insertRunRow(ctx, { state: "waiting", wait_reason: "retry" });
    const running = await insertRunRow(ctx, { state: "running" });
    expect(await callerAs(ctx).runs.cancel({ runId: queued })).toEqual({ ok: true, state: "cancelled" });
    await callerAs(ctx).runs.cancel({ runId: waiting });
    expect(await callerAs(ctx).runs.cancel({ runId: running })).toEqual({ ok: true, state: "running" });
    expect([await stateOf(queued), await stateOf(waiting), await stateOf(running)]).toEqual([
      "cancelled",
      "cancelled",
      "running",
    ]);
    const asked = await ctx.db.run.findUniqueOrThrow({ where: { id: BigInt(running) } });
    expect(asked.stopRequest).toBe("cancel");
  });

  it("is refused for a run that has ended", async () => {
    await fresh();
    const runId = await insertRunRow(ctx, { state: "succeeded" });
    await expect(callerAs(ctx).runs.cancel({ runId })).rejects.toMatchObject({ cause: { code: "run-finished" } });
  });

  it("opens the letters of a cancelled replay again", async () => {
    await fresh();
    const runId = await insertRunRow(ctx, { state: "queued", kind: "replay" });
    const letter = await insertLetter(ctx, { state: "replaying", replay_run_id: runId });
    await callerAs(ctx).runs.cancel({ runId });
    expect(await ctx.db.deadLetter.findUniqueOrThrow({ where: { id: letter } })).toMatchObject({
      state: "open",
      replayRunId: null,
    });
  });
});

describe("the list of runs", () => {
  it("comes newest first, page by page, without loss or repeat", async () => {
    await fresh();
    const all: string[] = [];
    for (let count = 0; count < 7; count += 1) all.unshift(await insertRunRow(ctx));
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 10; pages += 1) {
      const { items, next } = await callerAs(ctx).runs.list({ limit: 3, cursor });
      seen.push(...items.map(({ id }) => id));
      if (next === null) break;
      expect(items).toHaveLength(3);
      cursor = next;
    }
    expect(seen).toEqual(all);
  });

  it("is filtered by flow, state and kind", async () => {
    await fresh();
    const failed = await insertRunRow(ctx, { state: "failed", flow_id: "flow_a" });
    const undo = await insertRunRow(ctx, { kind: "undo", flow_id: "flow_a" });
    await insertRunRow(ctx, { flow_id: "flow_b" });
    const ids = async (filter: object) => (await callerAs(ctx).runs.list(filter)).items.map(({ id }) => id);
    expect(await ids({ state: "failed" })).toEqual([failed]);
    expect(await ids({ kind: "undo" })).toEqual([undo]);
    expect(await ids({ flowId: "flow_a" })).toEqual([undo, failed]);
  });

  it("refuses a limit beyond 1,000, a foreign cursor and text that cannot be asked for", async () => {
    await fresh();
    for (const input of [{ limit: 1001 }, { limit: 0 }, { cursor: "1; drop table run" }, { flowId: "a\u0000" }])
      await expect(callerAs(ctx).runs.list(input)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("one run", () => {
  it("shows steps in the document's order, its balance, letters, related runs and what can be undone", async () => {
    await fresh();
    const flowId = await insertFlow(ctx, { document, liveVersion: 1 });
    const runId = await insertRunRow(ctx, {
      flow_id: flowId,
      read: 3,
      created: 2,
      dead: 1,
      state: "succeeded_with_errors",
    });
    await ctx.pool.query(
      `INSERT INTO run_step (workspace_id, run_id, step_id, "in", out, created, ports) VALUES ($2, $1, 'books', 3, 0, 2, '{}')`,
      [runId, ctx.workspaceId],
    );
    await insertChange(ctx, { run_id: runId, record_key: "a" });
    await insertChange(ctx, { run_id: runId, record_key: "b", undo: "not possible" });
    await insertChange(ctx, { run_id: runId, record_key: "c", state: "void" });
    await insertLetter(ctx, { run_id: runId, flow_id: flowId });
    const undoId = await insertRunRow(ctx, {
      flow_id: flowId,
      kind: "undo",
      parent_id: runId,
      read: 2,
      restored: 1,
      conflict: 1,
    });
    const detail = await callerAs(ctx).runs.get({ runId });
    expect(detail.steps.map(({ id, in: entered }) => [id, entered])).toEqual([
      ["orders", 0],
      ["books", 3],
    ]);
    expect(detail).toMatchObject({
      balanced: true,
      flowName: "Orders",
      undo: { possible: 1, done: 0, conflict: 0, notPossible: 1 },
    });
    expect(detail.letterGroups).toMatchObject([{ count: 1, step: "check", flows: [{ id: flowId, name: "Orders" }] }]);
    expect(detail.related.map(({ id }) => id)).toEqual([undoId]);
    const undo = await callerAs(ctx).runs.get({ runId: undoId });
    expect(undo).toMatchObject({
      balanced: true,
      undoCounts: { read: 2, restored: 1, conflict: 1, failed: 0 },
      parentId: runId,
    });
    expect(undo.related.map(({ id }) => id)).toEqual([runId]);
  });

  it("says when its balance does not close", async () => {
    await fresh();
    const runId = await insertRunRow(ctx, { read: 3, created: 2 });
    expect((await getRunDetail(ctx, runId)).balanced).toBe(false);
  });

  it("says why it waits", async () => {
    await fresh();
    const until = new Date("2026-11-23T10:00:00Z");
    const error = { code: "http-503", message: "Books is down." };
    const runId = await insertRunRow(ctx, { state: "waiting", wait_reason: "target", resume_at: until, error });
    const { run } = await getRun(ctx, runId);
    expect(run.waiting?.reason).toMatch(/^Books is down\. .*goes on by itself/);
    expect(run.waiting?.until).toBe(until.toISOString());
    expect(run.error).toEqual(error);
  });

  it("is not found under what is no number", async () => {
    await fresh();
    await expect(callerAs(ctx).runs.get({ runId: "1 or 1=1" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(callerAs(ctx).runs.get({ runId: "9".repeat(40) })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("the changes of a run", () => {
  it("come oldest first in pages, without writes that did not land", async () => {
    await fresh();
    const runId = await insertRunRow(ctx);
    for (const key of ["a", "b", "c"]) await insertChange(ctx, { run_id: runId, record_key: key });
    await insertChange(ctx, { run_id: runId, record_key: "lost", state: "void" });
    await insertChange(ctx, {
      run_id: runId,
      record_key: "d",
      operation: "delete",
      before: { name: "50% off" },
      after: null,
    });
    const first = await callerAs(ctx).runs.changes({ runId, limit: 2 });
    expect(first.items.map(({ key }) => key)).toEqual(["a", "b"]);
    const second = await callerAs(ctx).runs.changes({ runId, limit: 2, cursor: first.next ?? "" });
    expect(second).toMatchObject({ items: [{ key: "c" }, { key: "d", operation: "delete" }], next: null });
    const keys = async (filter: object) =>
      (await callerAs(ctx).runs.changes({ runId, ...filter })).items.map(({ key }) => key);
    expect(await keys({ operation: "delete" })).toEqual(["d"]);
    expect(await keys({ search: "0% O" })).toEqual(["d"]);
    expect(await keys({ search: "_" })).toEqual([]);
  });

  it("of a dry run are what it foresees", async () => {
    await fresh();
    const runId = await insertRunRow(ctx, { mode: "dry" });
    await insertChange(ctx, { run_id: runId, record_key: "a", state: "foreseen", undo: "not possible" });
    expect((await callerAs(ctx).runs.changes({ runId })).items).toMatchObject([{ key: "a", after: { total: 1 } }]);
    expect((await getRunDetail(ctx, runId)).undo.notPossible).toBe(0);
  });
});
