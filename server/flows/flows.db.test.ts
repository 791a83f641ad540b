import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { callerAs } from "../testing/callers.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertLetter, insertRunRow, queuedRuns } from "../testing/rows.ts";
import { connectShop, createShop, shopFlow } from "../testing/shop.ts";
import { createFlow } from "./create-flow.ts";
import { flowState } from "./flow-state.ts";
import { saveDraft } from "./save-draft.ts";

let database: TestDatabase;
let ctx: ServerContext;
beforeAll(async () => {
  process.env.PLUMBLINE_SECRET_KEY ??= "a secret that is only for tests";
  process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";
  database = await testDatabase("s2_flows");
  await createShop(database);
});
beforeEach(async () => {
  ctx = await testContext(database);
  await connectShop(ctx, database);
});
afterEach(closeSessions);
afterAll(() => database?.drop());
const flows = () => callerAs(ctx).flows;
const published = async (document: JsonRecord = shopFlow()) => {
  const { id: flowId } = await createFlow(ctx, document);
  await flows().publish({ flowId, revision: 1, note: "first" });
  return flowId;
};

describe("a draft", () => {
  it("without problems comes back as it was sent, with the fields at every step", async () => {
    const created = await createFlow(ctx, shopFlow());
    expect(created.problems).toEqual([]);
    expect(created.shapes.invoice?.output.out?.fields.map(({ name }) => name)).toEqual([
      "external_id",
      "email",
      "total",
    ]);
    const flow = await flows().get({ flowId: created.id });
    expect(flow).toMatchObject({ name: "Shop orders to books", revision: 1, live: null, paused: false, hook: null });
    expect(flow.document).toEqual(shopFlow());
  });

  it("with problems is kept as it came, and each problem names step and remedy", async () => {
    const broken = {
      name: "Half",
      steps: [{ id: "books", kind: "write", connection: "nowhere" }, { kind: 7 }],
      extra: [1],
    };
    const { id, problems } = await createFlow(ctx, broken);
    expect(problems.length).toBeGreaterThan(2);
    for (const { message, remedy } of problems) expect([message, remedy].every((text) => text.length > 5)).toBe(true);
    expect(problems.some(({ step }) => step === "books")).toBe(true);
    expect((await flows().get({ flowId: id })).document).toEqual(broken);
  });

  it("may be any object, but nothing else", async () => {
    expect((await createFlow(ctx, {})).problems.length).toBeGreaterThan(0);
    for (const bad of [null, [], "text", 1]) await expect(createFlow(ctx, bad)).rejects.toMatchObject({ status: 400 });
    await expect(createFlow(ctx, { name: "a\u0000" })).rejects.toMatchObject({ status: 400 });
    await expect(createFlow(ctx, { name: "a\ud800" })).rejects.toMatchObject({ status: 400 });
  });

  it("is saved by the last writer, unless a revision says what the edit started from", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow());
    expect((await saveDraft(ctx, { flowId, document: shopFlow({ name: "B" }), revision: 1 })).revision).toBe(2);
    const stale = flows().saveDraft({ flowId, document: shopFlow({ name: "C" }), revision: 1 });
    await expect(stale).rejects.toMatchObject({ code: "CONFLICT", cause: { code: "stale-draft" } });
    expect((await saveDraft(ctx, { flowId, document: shopFlow({ name: "D" }) })).revision).toBe(3);
    expect((await flows().get({ flowId })).name).toBe("D");
  });

  it("saved by two editors at once from the same revision is kept from one", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow());
    const both = await Promise.allSettled(
      ["E", "F"].map((name) => flows().saveDraft({ flowId, document: shopFlow({ name }), revision: 1 })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("leaves one audit line per sitting, not per gesture", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow());
    for (let count = 0; count < 4; count += 1) await saveDraft(ctx, { flowId, document: shopFlow() });
    expect(await ctx.db.audit.count({ where: { subject: flowId, action: "flow.edit" } })).toBe(1);
  });
});

describe("publishing", () => {
  it("freezes the draft, makes it live and sets its schedule", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow());
    const before = Date.now();
    expect(await flows().publish({ flowId, revision: 1, note: " first " })).toEqual({ version: 1, revision: 2 });
    const state = await flowState(ctx, flowId);
    expect(state).toMatchObject({ live: 1, draft: { revision: 2, changed: false, problems: 0 }, paused: false });
    const next = Date.parse(state.nextRunAt ?? "");
    expect(next).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(next).toBeLessThan(Date.now() + 3_600_000 + 1);
    expect((await flows().get({ flowId })).live).toMatchObject({
      version: 1,
      note: "first",
      publishedBy: ctx.actor.name,
    });
  });

  it("is refused while there are problems, with the problems", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow({ brief: {} }));
    await expect(flows().publish({ flowId, revision: 1, note: "n" })).rejects.toMatchObject({
      code: "UNPROCESSABLE_CONTENT",
      cause: {
        code: "has-problems",
        details: { problems: expect.arrayContaining([expect.objectContaining({ field: "brief.moves" })]) },
      },
    });
    expect((await flowState(ctx, flowId)).live).toBeNull();
  });

  it("needs a note", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow());
    await expect(flows().publish({ flowId, revision: 1, note: "  " })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  it("of an edit nobody looked at is refused, and of two publishers one wins", async () => {
    const { id: flowId } = await createFlow(ctx, shopFlow());
    await saveDraft(ctx, { flowId, document: shopFlow() });
    await expect(flows().publish({ flowId, revision: 1, note: "n" })).rejects.toMatchObject({ code: "CONFLICT" });
    const both = await Promise.allSettled([1, 2].map(() => flows().publish({ flowId, revision: 2, note: "n" })));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await ctx.db.flowVersion.count({ where: { flowId } })).toBe(1);
  });

  it("of a version without schedule removes the schedule", async () => {
    const flowId = await published();
    const steps = shopFlow().steps as JsonRecord[];
    const byHand = shopFlow({ steps: steps.map(({ every: _, ...step }) => step) });
    const { revision } = await saveDraft(ctx, { flowId, document: byHand });
    expect(await flows().publish({ flowId, revision, note: "by hand" })).toMatchObject({ version: 2 });
    expect((await flowState(ctx, flowId)).nextRunAt).toBeNull();
  });

  it("keeps old versions with what each changed, and one can be made the draft again", async () => {
    const flowId = await published();
    const { revision } = await saveDraft(ctx, { flowId, document: shopFlow({ name: "New name" }) });
    expect((await flows().get({ flowId })).changes.join()).toContain("New name");
    await flows().publish({ flowId, revision, note: "second" });
    const versions = await flows().versions({ flowId });
    expect(versions.map(({ version, note }) => [version, note])).toEqual([
      [2, "second"],
      [1, "first"],
    ]);
    expect(versions[0]?.changes.join()).toContain("New name");
    expect(versions[1]?.changes).toEqual([]);
    expect((await flows().version({ flowId, version: 1 })).document).toEqual(shopFlow());
    await expect(flows().version({ flowId, version: 3 })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await flows().restoreVersion({ flowId, version: 1 });
    const flow = await flows().get({ flowId });
    expect(flow).toMatchObject({ name: "Shop orders to books", live: { version: 2 }, document: shopFlow() });
  });
});

describe("stopping and resuming", () => {
  it("halts live runs, lets dry runs and undo runs go on, and takes them up again", async () => {
    const flowId = await published();
    const make = (columns: object) => insertRunRow(ctx, { flow_id: flowId, ...columns });
    const running = await make({ state: "running" });
    const queued = await make({ state: "queued" });
    const retrying = await make({ state: "waiting", wait_reason: "retry", resume_at: new Date() });
    const undo = await make({ state: "queued", kind: "undo" });
    const dry = await make({ state: "queued", mode: "dry" });
    expect(await flows().pause({ flowId })).toEqual({ paused: true });
    const look = async (id: string) => {
      const { state, waitReason, stopRequest } = await ctx.db.run.findUniqueOrThrow({ where: { id: BigInt(id) } });
      return [state, waitReason, stopRequest];
    };
    expect(await look(running)).toEqual(["running", null, "pause"]);
    for (const id of [queued, retrying]) expect(await look(id)).toEqual(["waiting", "paused", null]);
    for (const id of [undo, dry]) expect(await look(id)).toEqual(["queued", null, null]);
    expect(await flowState(ctx, flowId)).toMatchObject({ paused: true, nextRunAt: null });
    const before = await queuedRuns(ctx);
    expect(await flows().resume({ flowId })).toEqual({ paused: false });
    expect(await look(running)).toEqual(["running", null, null]);
    for (const id of [queued, retrying]) expect(await look(id)).toEqual(["queued", null, null]);
    expect((await queuedRuns(ctx)).filter((id) => !before.includes(id))).toEqual([queued, retrying]);
    expect((await flowState(ctx, flowId)).nextRunAt).not.toBeNull();
  });

  it("resumes runs that stopped themselves because too much failed", async () => {
    const flowId = await published();
    const stopped = await insertRunRow(ctx, { flow_id: flowId, state: "waiting", wait_reason: "stopped" });
    await flows().resume({ flowId });
    expect(await queuedRuns(ctx)).toContain(stopped);
  });

  it("twice is the same as once", async () => {
    const flowId = await published();
    await flows().pause({ flowId });
    await flows().pause({ flowId });
    await flows().resume({ flowId });
    await flows().resume({ flowId });
    expect(
      await ctx.db.audit.count({ where: { subject: flowId, action: { in: ["flow.pause", "flow.resume"] } } }),
    ).toBe(2);
  });
});

describe("removing", () => {
  it("cancels what waits, closes open letters, and keeps runs and versions", async () => {
    const flowId = await published();
    const waiting = await insertRunRow(ctx, { flow_id: flowId, state: "waiting" });
    const running = await insertRunRow(ctx, { flow_id: flowId, state: "running" });
    const letter = await insertLetter(ctx, { flow_id: flowId });
    expect(await flows().remove({ flowId })).toEqual({ ok: true });
    await Promise.all(
      [flows().get({ flowId }), flows().remove({ flowId }), flows().resume({ flowId })].map(
        (attempt: Promise<unknown>) => expect(attempt).rejects.toMatchObject({ code: "NOT_FOUND" }),
      ),
    );
    expect(await flows().list()).toEqual([]);
    const { runs } = callerAs(ctx);
    expect((await runs.get({ runId: waiting })).state).toBe("cancelled");
    expect(await runs.get({ runId: running })).toMatchObject({ state: "running", flowName: "Shop orders to books" });
    expect((await ctx.db.deadLetter.findUniqueOrThrow({ where: { id: letter } })).state).toBe("dismissed");
    expect(await ctx.db.schedule.count({ where: { flowId } })).toBe(0);
  });
});

describe("the preview", () => {
  it("shows real rows at every step and writes nothing", async () => {
    const at = (stepId: string, document = shopFlow()) => flows().preview({ document, stepId });
    expect((await at("orders")).map(({ after }) => after?.id)).toEqual([1, 2, 3]);
    const checked = await at("check");
    expect(checked.map(({ ended }) => ended?.outcome)).toEqual([undefined, "dead", undefined]);
    expect(checked[1]).toMatchObject({ key: "2", after: null, ended: { field: "email", message: expect.any(String) } });
    const mapped = await at("invoice");
    expect(mapped[0]).toMatchObject({
      key: "1",
      before: { email: "Ana@Example.com " },
      after: { external_id: 1, email: "ana@example.com" },
    });
    expect(mapped[1]).toMatchObject({ key: "3", after: null, ended: { outcome: "dead", field: "total" } });
    const written = await at("books");
    expect(written).toMatchObject([{ key: "1", after: { external_id: 1, email: "ana@example.com" } }]);
    expect((await ctx.pool.query("SELECT FROM books.invoices")).rowCount).toBe(0);
  });

  it("says what stands in the way", async () => {
    const { preview } = flows();
    await expect(preview({ document: shopFlow({ links: [] }), stepId: "books" })).rejects.toMatchObject({
      code: "UNPROCESSABLE_CONTENT",
      cause: { code: "no-preview" },
    });
    await expect(preview({ document: shopFlow(), stepId: "gone" })).rejects.toMatchObject({
      code: "UNPROCESSABLE_CONTENT",
    });
    await expect(preview({ document: {}, stepId: "gone" })).rejects.toMatchObject({ code: "UNPROCESSABLE_CONTENT" });
  });

  it("names a source that does not let us in", async () => {
    await ctx.pool.query(
      `UPDATE connection SET settings = settings || '{"database": "there_is_none"}', updated_at = now() + interval '1 s' WHERE workspace_id = $1 AND name = 'shop'`,
      [ctx.workspaceId],
    );
    await expect(flows().preview({ document: shopFlow(), stepId: "orders" })).rejects.toMatchObject({
      message: expect.stringContaining("shop"),
    });
  });
});

describe("who may", () => {
  it("starts with the role: 403 comes before 404, and other workspaces see nothing", async () => {
    const flowId = await published();
    const viewer = callerAs(ctx, "viewer").flows;
    const builder = callerAs(ctx, "builder").flows;
    await Promise.all(
      [
        viewer.create({ document: {} }),
        viewer.saveDraft({ flowId: "none", document: {}, revision: 1 }),
        viewer.publish({ flowId: "none", note: "n" }),
        viewer.restoreVersion({ flowId: "none", version: 1 }),
        builder.pause({ flowId: "none" }),
        builder.resume({ flowId: "none" }),
        callerAs(ctx, "operator").flows.remove({ flowId: "none" }),
      ].map((attempt: Promise<unknown>) => expect(attempt).rejects.toMatchObject({ code: "FORBIDDEN" })),
    );
    const stranger = callerAs(await testContext(database)).flows;
    await Promise.all(
      [
        stranger.get({ flowId }),
        stranger.saveDraft({ flowId, document: {}, revision: 2 }),
        stranger.publish({ flowId, note: "n" }),
        stranger.pause({ flowId }),
        stranger.remove({ flowId }),
        stranger.versions({ flowId }),
        stranger.version({ flowId, version: 1 }),
        stranger.restoreVersion({ flowId, version: 1 }),
      ].map((attempt: Promise<unknown>) => expect(attempt).rejects.toMatchObject({ code: "NOT_FOUND" })),
    );
    expect(await stranger.list()).toEqual([]);
  });
});
