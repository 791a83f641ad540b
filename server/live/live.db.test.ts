import { afterAll, beforeAll, expect, it } from "vitest";
import { callerFor, testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import type { LiveEvent } from "../trpc/contract/home.ts";
import { followEvents } from "./live-events.ts";
import { notify } from "./notify.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("live");
});
afterAll(() => database.drop());

/** Follows a workspace; `until` waits for a number of events. */
function follow(workspaceId: string, resumed = false) {
  const stop = new AbortController();
  const events: LiveEvent[] = [];
  const following = (async () => {
    for await (const event of followEvents({ db: database.db, workspaceId, signal: stop.signal, resumed }))
      events.push(event);
  })();
  const until = async (count: number) => {
    for (let i = 0; i < 200 && events.length < count; i++) await new Promise((done) => setTimeout(done, 10));
    expect(events.length).toBeGreaterThanOrEqual(count);
  };
  const end = async () => {
    stop.abort();
    await following;
  };
  return { events, until, end };
}
const settled = () => new Promise((done) => setTimeout(done, 150));

it("brings what happens in one's own workspace, after its commit, and nothing of others", async () => {
  const [ours, theirs] = [await testContext(database), await testContext(database)];
  const { events, until, end } = follow(ours.workspaceId);
  await settled();
  await notify(database.db, theirs.workspaceId, { type: "flow", flowId: "flw_theirs" });
  await database.db
    .$transaction(async (tx) => {
      await notify(tx, ours.workspaceId, { type: "flow", flowId: "flw_rolled_back" });
      throw new Error("no commit");
    })
    .catch(() => {});
  await notify(database.db, ours.workspaceId, { type: "flow", flowId: "flw_ours" });
  await until(1);
  await settled();
  expect(events).toEqual([{ type: "flow", flowId: "flw_ours" }]);
  await end();
});

it("starts with the runs that may have changed when a browser comes back", async () => {
  const { workspaceId } = await testContext(database);
  const run = { workspaceId, flowId: "flw_1", kind: "flow", mode: "live", trigger: "manual", startedBy: "test" };
  await database.db.run.create({ data: { ...run, state: "running", read: 12, created: 7 } });
  await database.db.run.create({ data: { ...run, state: "succeeded", finishedAt: new Date(Date.now() - 3_600_000) } });
  const { events, until, end } = follow(workspaceId, true);
  await until(2);
  expect(events).toEqual([
    expect.objectContaining({
      type: "run",
      state: "running",
      counts: expect.objectContaining({ read: 12, created: 7 }),
    }),
    { type: "letters", flowId: null },
  ]);
  await end();
});

it("gives a slow browser the newest of each run, not all in between", async () => {
  const { workspaceId } = await testContext(database);
  const stop = new AbortController();
  const stream = followEvents({ db: database.db, workspaceId, signal: stop.signal, resumed: false });
  const first = stream.next();
  await settled();
  const counts = {
    read: 0,
    created: 0,
    updated: 0,
    deleted: 0,
    unchanged: 0,
    filtered: 0,
    duplicate: 0,
    dead: 0,
    held: 0,
  };
  const tell = (read: number) =>
    notify(database.db, workspaceId, {
      type: "run",
      runId: "1",
      flowId: "f",
      state: "running",
      counts: { ...counts, read },
    });
  await tell(1);
  expect((await first).value).toMatchObject({ counts: { read: 1 } });
  for (let read = 2; read <= 40; read++) await tell(read);
  await settled();
  expect((await stream.next()).value).toMatchObject({ counts: { read: 40 } });
  stop.abort();
  expect((await stream.next()).done).toBe(true);
});

it("is a subscription for people of a workspace", async () => {
  const ctx = await testContext(database, "viewer");
  const stream = (await callerFor(ctx).runs.live()) as AsyncIterable<unknown>;
  const first = stream[Symbol.asyncIterator]().next();
  await settled();
  await notify(database.db, ctx.workspaceId, { type: "connection", connectionId: "con_1" });
  const { value } = await first;
  expect(value).toMatchObject({ 0: expect.stringMatching(/-/), 1: { type: "connection", connectionId: "con_1" } });
  await expect(callerFor(database).runs.live()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});
