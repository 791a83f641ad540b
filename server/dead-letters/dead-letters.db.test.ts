import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import { callerAs } from "../testing/callers.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertChange, insertFlow, insertLetter, insertRunRow, queuedRuns } from "../testing/rows.ts";

let database: TestDatabase;
let ctx: ServerContext;
let flowId: string;
let runId: string;
const document: JsonRecord = {
  name: "Orders",
  steps: [
    { id: "check", kind: "check", title: "Good orders" },
    { id: "books", kind: "write" },
  ],
};
beforeAll(async () => {
  database = await testDatabase("s2_letters");
});
beforeEach(async () => {
  ctx = await testContext(database);
  flowId = await insertFlow(ctx, { document, liveVersion: 1 });
  runId = await insertRunRow(ctx, { flow_id: flowId });
});
afterAll(() => database?.drop());
const letter = (columns: object = {}) => insertLetter(ctx, { flow_id: flowId, run_id: runId, ...columns });
const stored = (id: string) => ctx.db.deadLetter.findUniqueOrThrow({ where: { id } });

describe("the list of dead letters", () => {
  it("shows open and replaying ones, newest first, page by page, even when they came in the same moment", async () => {
    const at = new Date("2026-11-23T08:00:00.123Z");
    const ids = [];
    for (let count = 0; count < 5; count += 1) ids.push(await letter({ at }));
    ids.push(await letter({ at: new Date(at.getTime() + 1), state: "replaying" }));
    for (const state of ["resolved", "dismissed", "foreseen"]) await letter({ state });
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 5; pages += 1) {
      const page = await callerAs(ctx).letters.list({ limit: 2, cursor });
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === null) break;
      cursor = page.next;
    }
    expect(seen[0]).toBe(ids[5]);
    expect([...seen].sort()).toEqual([...ids].sort());
  });

  it("names flow, step and field, and is filtered by flow, group, state and text", async () => {
    const one = await letter({ key: "4711", field: "email" });
    await letter({ group_id: "g2", state: "dismissed" });
    const { items } = await callerAs(ctx).letters.list({ flowId });
    expect(items).toMatchObject([
      { id: one, flowName: "Orders", stepTitle: "Good orders", field: "email", run: runId },
    ]);
    const ids = async (filter: object) => (await callerAs(ctx).letters.list(filter)).items.map(({ id }) => id);
    expect(await ids({ groupId: "g2" })).toEqual([]);
    expect(await ids({ groupId: "g2", state: "dismissed" })).toHaveLength(1);
    expect(await ids({ search: "471" })).toEqual([one]);
    expect(await ids({ flowId: "flow_other" })).toEqual([]);
  });

  it("of a run includes what a dry run foresees", async () => {
    const dry = await insertRunRow(ctx, { flow_id: flowId, mode: "dry" });
    const foreseen = await letter({ run_id: dry, state: "foreseen" });
    expect((await callerAs(ctx).runs.letters({ runId: dry })).items.map(({ id }) => id)).toEqual([foreseen]);
  });

  it("groups open letters by what is wrong, across flows", async () => {
    const other = await insertFlow(ctx, { document: { ...document, name: "Refunds" }, liveVersion: 1 });
    await letter({ group_id: "g1", at: new Date("2026-11-22T08:00:00Z"), field: "email" });
    await letter({ group_id: "g1", at: new Date("2026-11-23T08:00:00Z"), flow_id: other, field: "email" });
    await letter({ group_id: "g2" });
    await letter({ group_id: "g2", state: "replaying" });
    const groups = await callerAs(ctx).letters.groups({});
    expect(groups.map(({ id, count }) => [id, count])).toEqual([
      ["g1", 2],
      ["g2", 1],
    ]);
    expect(groups[0]).toMatchObject({
      reason: "found …",
      step: "check",
      field: "email",
      firstSeen: "2026-11-22T08:00:00.000Z",
      lastSeen: "2026-11-23T08:00:00.000Z",
    });
    expect(groups[0]?.flows.map(({ name }) => name).sort()).toEqual(["Orders", "Refunds"]);
  });

  it("gives one letter with the record as it was read and its history", async () => {
    const id = await letter({ key: "4711" });
    await insertChange(ctx, { run_id: runId, flow_id: flowId, record_key: "4711" });
    const found = await callerAs(ctx).letters.get({ id });
    expect(found).toMatchObject({ id, source: { mail: "x" }, data: { email: "x" } });
    expect(found.history.map(({ event }) => event).sort()).toEqual(["failed", "written"]);
  });
});

describe("replaying", () => {
  it("takes the letters off the open list, into a run that finds them", async () => {
    const ids = [await letter(), await letter()];
    const { id } = await callerAs(ctx).letters.replay({ ids, patch: { email: "ana@example.com" }, from: "start" });
    const run = await ctx.db.run.findUniqueOrThrow({ where: { id: BigInt(id) } });
    expect(run).toMatchObject({ kind: "replay", mode: "live", flowId, version: 1, trigger: "replay", state: "queued" });
    expect(run.request).toEqual({ from: "start", version: "live", patch: { email: "ana@example.com" } });
    for (const one of ids) expect(await stored(one)).toMatchObject({ state: "replaying", replayRunId: BigInt(id) });
    expect(await queuedRuns(ctx)).toContain(id);
    expect(await callerAs(ctx).letters.groups({})).toEqual([]);
  });

  it("takes all open letters of a group, as one run per flow", async () => {
    const other = await insertFlow(ctx, { document, liveVersion: 1 });
    const ids = [await letter(), await letter({ flow_id: other })];
    const closed = await letter({ state: "dismissed" });
    const { id, runs } = await callerAs(ctx).letters.replay({ groupId: "g1" });
    expect(runs).toHaveLength(2);
    expect(runs[0]).toBe(id);
    const taken = await Promise.all(ids.map(stored));
    expect(new Set(taken.map(({ replayRunId }) => String(replayRunId)))).toEqual(new Set(runs));
    expect((await stored(closed)).state).toBe("dismissed");
  });

  it("with the original version makes a run per version", async () => {
    await ctx.db.flowVersion.create({
      data: { flowId, version: 2, workspaceId: ctx.workspaceId, document, note: "n", publishedBy: "a" },
    });
    await ctx.db.flow.update({ where: { id: flowId }, data: { liveVersion: 2 } });
    const ids = [await letter({ version: 1 }), await letter({ version: 2 })];
    const { runs } = await callerAs(ctx).letters.replay({ ids, version: "original" });
    const versions = await ctx.db.run.findMany({ where: { id: { in: runs.map(BigInt) } }, select: { version: true } });
    expect(versions.map(({ version }) => version).sort()).toEqual([1, 2]);
  });

  it("lets one of two people who replay the same letter have it", async () => {
    const id = await letter();
    const both = await Promise.allSettled([
      callerAs(ctx).letters.replay({ ids: [id] }),
      callerAs(ctx).letters.replay({ ids: [id] }),
    ]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "CONFLICT", cause: { code: "letters-not-open", details: { ids: [id] } } },
    });
    expect(await ctx.db.run.count({ where: { workspaceId: ctx.workspaceId, kind: "replay" } })).toBe(1);
  });

  it("does nothing at all when one letter cannot be replayed", async () => {
    const open = await letter();
    const closed = await letter({ state: "resolved" });
    await expect(callerAs(ctx).letters.replay({ ids: [open, closed] })).rejects.toMatchObject({
      message: expect.stringContaining(closed),
    });
    await expect(callerAs(ctx).letters.replay({ ids: [open, "dl_gone"] })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("dl_gone"),
      cause: { code: "letters-not-found" },
    });
    expect((await stored(open)).state).toBe("open");
  });

  it("says when the failed step is gone, or the flow is stopped", async () => {
    const id = await letter({ step_id: "was-here" });
    await expect(callerAs(ctx).letters.replay({ ids: [id] })).rejects.toMatchObject({
      code: "UNPROCESSABLE_CONTENT",
      cause: { code: "step-gone", details: { steps: ["was-here"] } },
    });
    await callerAs(ctx).flows.pause({ flowId });
    const replay = callerAs(ctx).letters.replay({ ids: [id], from: "start" });
    await expect(replay).rejects.toMatchObject({ cause: { code: "paused" } });
    await callerAs(ctx).flows.resume({ flowId });
    expect((await callerAs(ctx).letters.replay({ ids: [id], from: "start" })).id).toMatch(/^\d+$/);
  });

  it("refuses a choice that is none, and a patch that is no record", async () => {
    const id = await letter();
    const { replay } = callerAs(ctx).letters;
    await expect(replay({})).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await expect(replay({ ids: [id], groupId: "g1" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await expect(replay({ groupId: "unknown" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(replay({ ids: [id], patch: ["email"] as never })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await expect(replay({ ids: [id], patch: { email: "a\u0000" } })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  it("is fast for a group of 20,000", async () => {
    await ctx.pool.query(
      `INSERT INTO dead_letter (id, workspace_id, flow_id, run_id, version, step_id, key, code, reason, group_id, group_reason, data, source)
       SELECT 'dl_' || $1 || n, $1, $2, $3, 1, 'check', n::text, 'c', 'r', 'big', 'r', '{}', '{}' FROM generate_series(1, 20000) n`,
      [ctx.workspaceId, flowId, runId],
    );
    const begun = performance.now();
    const { id } = await callerAs(ctx).letters.replay({ groupId: "big" });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await ctx.db.deadLetter.count({ where: { replayRunId: BigInt(id), state: "replaying" } })).toBe(20_000);
  });
});

describe("dismissing", () => {
  it("closes letters with a note and who did it", async () => {
    const ids = [await letter(), await letter()];
    expect(await callerAs(ctx).letters.dismiss({ ids, note: " test orders " })).toEqual({ dismissed: 2 });
    const closed = await stored(ids[0] ?? "");
    expect(closed).toMatchObject({ state: "dismissed", note: "test orders", closedBy: ctx.actor.name });
    expect(closed.closedAt).toBeInstanceOf(Date);
    await expect(callerAs(ctx).letters.dismiss({ ids, note: "again" })).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("needs a note", async () => {
    const ids = [await letter()];
    await expect(callerAs(ctx).letters.dismiss({ ids, note: "  " })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("who may", () => {
  it("looks as viewer, decides as operator; 403 comes before 404; other workspaces see nothing", async () => {
    const id = await letter();
    const builder = callerAs(ctx, "builder");
    await expect(builder.letters.replay({ ids: ["dl_gone"] })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(builder.letters.dismiss({ ids: ["dl_gone"], note: "n" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect((await callerAs(ctx, "viewer").letters.get({ id })).id).toBe(id);
    const stranger = callerAs(await testContext(database));
    await expect(stranger.letters.get({ id })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(stranger.letters.replay({ ids: [id] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(stranger.letters.dismiss({ groupId: "g1", note: "n" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await stranger.letters.groups({})).toEqual([]);
    expect((await stored(id)).state).toBe("open");
  });
});
