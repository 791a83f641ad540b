/** Flows of events that stop by themselves when too many of their events fail: what comes meanwhile waits, in its order. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { flowState } from "../flows/flow-state.ts";
import { pauseFlow } from "../flows/pause-flow.ts";
import { resumeFlow } from "../flows/resume-flow.ts";
import { homeSummary } from "../home/home-summary.ts";
import { getRun } from "../runs/get-run.ts";
import type { TestDatabase } from "../testing/database.ts";
import { type EventWorker, postEvent, runEnded, until } from "../testing/event-worker.ts";
import { type EventWorld, eventWorld } from "../testing/event-world.ts";
import { publishedFlow, TEST_BRIEF } from "../testing/flows.ts";

let books: TestDatabase;
let ctx: ServerContext;
let worker: EventWorker;
let end: EventWorld["end"];
beforeAll(async () => {
  ({ books, ctx, worker, end } = await eventWorld(
    "stop_events",
    "CREATE TABLE arrivals (n bigint GENERATED ALWAYS AS IDENTITY, id text, flow text)",
  ));
});
afterAll(() => end());

async function flow(name: string, dead: number | string) {
  const steps = [
    { id: "hook", kind: "webhook" },
    { id: "check", kind: "check", rules: [{ field: "total", is: "number" }], otherwise: "dead" },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "id", from: "id" },
        { to: "flow", value: name },
      ],
    },
    { id: "write", kind: "write", connection: "books", sink: "arrivals", operation: "insert" },
  ];
  const links = [
    { from: "hook", to: "check" },
    { from: "check", to: "map" },
    { from: "map", to: "write" },
  ];
  const settings = { stopAt: { dead }, order: "none" };
  const document = { format: "plumbline/1", name, brief: TEST_BRIEF, steps, links, settings };
  const flowId = await publishedFlow(ctx, document);
  const hook = await worker.hookOf(flowId);
  const send = async (id: string, total: unknown = 1) => (await postEvent(hook, { id, total })).body.id;
  return { flowId, send };
}

const stopped = (flowId: string) =>
  until(async () => {
    const state = await flowState(ctx, flowId);
    return state.paused && state;
  }, "the flow stops");

const arrived = async (flow: string) =>
  (await books.pool.query("SELECT id FROM arrivals WHERE flow = $1 ORDER BY n", [flow])).rows.map(({ id }) => id);

it("a share of the last events: it stops behind the batch, says why, and goes on in order when it is resumed", async () => {
  const { flowId, send } = await flow("Share", "20%");
  // nineteen records are too few for a share
  for (const id of await Promise.all(Array.from({ length: 19 }, (_, n) => send(`bad${n}`, n < 10 ? "x" : 1))))
    await runEnded(ctx, id);
  expect(await flowState(ctx, flowId)).toMatchObject({ paused: false });
  await runEnded(ctx, await send("twentieth", "x"));
  const { pausedReason } = await stopped(flowId);
  expect(pausedReason).toBe(
    "Stopped: 11 of the last 20 records failed, and the flow is set to stop at 20 % of the records. Look at the failed records, then resume the flow; events that come meanwhile wait, and go on in their order.",
  );
  const { flows, attention } = await homeSummary(ctx);
  expect(flows.find(({ id }) => id === flowId)).toMatchObject({ health: "paused", healthText: pausedReason });
  expect(attention).toContainEqual(
    expect.objectContaining({ title: "“Share” has stopped itself", detail: pausedReason }),
  );
  const before = await arrived("Share");
  const waiting: string[] = [];
  for (let n = 0; n < 30; n++) waiting.push(await send(`late${n}`));
  await sleep(1_500);
  expect(await arrived("Share")).toEqual(before);
  expect((await getRun(ctx, waiting[0]!)).run.state).toBe("queued");
  await resumeFlow(ctx, flowId);
  for (const id of waiting) expect((await runEnded(ctx, id)).run.state).toBe("succeeded");
  expect((await arrived("Share")).slice(before.length)).toEqual(waiting.map((_, n) => `late${n}`));
  expect(await flowState(ctx, flowId)).not.toHaveProperty("pausedReason");
  // those before it was resumed do not count again: four of the last 34
  for (let n = 0; n < 4; n++) await runEnded(ctx, await send(`again${n}`, "x"));
  expect(await flowState(ctx, flowId)).toMatchObject({ paused: false });
}, 60_000);

it("a number of the last events: also of those before a person stopped and resumed it", async () => {
  const { flowId, send } = await flow("Number", 3);
  await runEnded(ctx, await send("one", "x"));
  await runEnded(ctx, await send("two", "x"));
  await pauseFlow(ctx, flowId);
  expect(await flowState(ctx, flowId)).not.toHaveProperty("pausedReason");
  await resumeFlow(ctx, flowId);
  const fine = await send("fine");
  await runEnded(ctx, fine);
  await runEnded(ctx, await send("three", "x"));
  expect((await stopped(flowId)).pausedReason).toContain(
    "3 of the last 4 records failed, and the flow is set to stop at 3 records",
  );
  expect(await arrived("Number")).toEqual(["fine"]);
}, 30_000);

it("is resumed while its events are being settled without a deadlock", async () => {
  const { flowId, send } = await flow("Both at once", 1);
  for (let round = 0; round < 15; round++) {
    const ids = await Promise.all([send(`a${round}`, "x"), send(`b${round}`, "x")]);
    await Promise.all([resumeFlow(ctx, flowId), resumeFlow(ctx, flowId)]);
    await until(async () => {
      await resumeFlow(ctx, flowId);
      const runs = await Promise.all(ids.map((id) => getRun(ctx, id)));
      return runs.every(({ run }) => run.finishedAt !== null);
    }, "both were worked on");
  }
}, 60_000);
