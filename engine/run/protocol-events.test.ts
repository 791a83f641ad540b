import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { compileFlow, type Plan } from "../flow/compile.ts";
import { readDraft } from "../flow/read-draft.ts";
import { ConnectionFailed, LeaseLost } from "../ports.ts";
import { type EventsMemory, nextLimit, workOnBatch } from "./event-batch.ts";
import { recoverWhatAnswers } from "./recover.ts";
import { stopCondition } from "./stop-condition.ts";
import { MemoryInbox } from "./testing/memory-inbox.ts";
import { inAnyOrder, modelRuns } from "./testing/model-runs.ts";
import { Crash, Fate, type Kind, MemoryTarget, passing, sinkInfo, targets } from "./testing/protocol-model.ts";

const MOST = 4;
const STEP_MS = 1_000;

function planOf(kind: Kind, order: "by-key" | "none"): Plan {
  const write = kind === "transaction" ? { operation: "upsert", match: ["id"] } : { operation: "insert" };
  const { flow } = readDraft({
    format: "plumbline/1",
    name: "Model",
    steps: [
      { id: "hook", kind: "webhook" },
      { id: "write", kind: "write", connection: "To", sink: "orders", ...write },
    ],
    links: [{ from: "hook", to: "write" }],
    settings: { order, ...(order === "by-key" ? { key: "key" } : {}), retry: { attempts: 3, for: "24h" } },
  });
  const to = { name: "To", connector: "x", streams: [], sinks: [sinkInfo(kind)] };
  const { plan, problems } = compileFlow(flow, { connections: new Map([["To", to]]) });
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}

/** What happens beside the workers: `at` counts the effects of all. */
const moves = ["send", "repeat", "cancel", "pause", "resume", "down", "up"] as const;

const crash = fc.record({ at: fc.integer({ min: 0, max: 14 }), after: fc.boolean(), takeover: fc.boolean() });
const scenario = fc.record({
  kind: fc.constantFrom(...targets),
  order: fc.constantFrom("by-key" as const, "none" as const),
  stopAt: fc.constantFrom(undefined, 1, 2),
  /** by number, which key it has and whether the target refuses it */
  events: fc.array(fc.record({ key: fc.constantFrom("a", "b", "c"), bad: fc.nat({ max: 5 }).map((n) => n === 0) }), {
    minLength: 1,
    maxLength: 14,
  }),
  moves: fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 90 }), what: fc.constantFrom(...moves), which: fc.nat({ max: 13 }) }),
    { maxLength: 20 },
  ),
  workers: fc.array(fc.array(crash, { maxLength: 4 }), { minLength: 1, maxLength: 2 }),
  flakes: fc.array(fc.boolean(), { maxLength: 14 }),
  lost: fc.array(fc.boolean(), { maxLength: 14 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

async function play(what: Scenario, turn: () => Promise<unknown>) {
  const inbox = new MemoryInbox();
  const target = new MemoryTarget(what.kind);
  const plan = planOf(what.kind, what.order);
  const stop = stopCondition(what.stopAt === undefined ? {} : { stopAt: { dead: what.stopAt } });
  const flakes = [...what.flakes];
  const lost = [...what.lost];
  const due = what.moves.toSorted((a, b) => a.at - b.at);
  const records = what.events.map((event, index): JsonRecord => ({ id: `r${index}`, ...event }));
  /** events that were cancelled before they were sent */
  const neverSent: string[] = [];
  let next = 0;
  let effects = 0;
  let down = false;
  let holder: number | null = null;

  const send = (index: number) => inbox.take(`evt-${index}`, [records[index] as JsonRecord]);
  const doMove = ({ what: move, which }: Scenario["moves"][number]): void => {
    if (move === "send" && next < records.length) send(next++);
    if (move === "repeat" && which < next) send(which);
    if (move === "cancel" && inbox.cancel(String(which + 1)) === "cancelled") neverSent.push(String(which + 1));
    if (move === "pause") inbox.paused = true;
    if (move === "resume") inbox.paused = false;
    if (move === "down") down = true;
    if (move !== "up") return;
    down = false;
    if (inbox.wait?.reason === "target") inbox.wait = null; // the probe found it up
  };
  const tick = () => {
    effects++;
    vi.advanceTimersByTime(STEP_MS); // pauses of connectors
    while (due[0] && due[0].at <= effects) doMove(due.shift() as Scenario["moves"][number]);
    if (due.length > 0 || effects < 100) return;
    // all is over: what is left goes on
    while (next < records.length) send(next++);
    doMove({ what: "up", at: 0, which: 0 });
    doMove({ what: "resume", at: 0, which: 0 });
  };
  const over = () =>
    due.length === 0 && next === records.length && inbox.queue.length === 0 && inbox.cancels === inbox.cancelsEnded;

  async function worker(crashes: Scenario["workers"][number], me: number): Promise<void> {
    let site: (EventsMemory & { token: number }) | undefined;
    let limit = MOST;
    const fate = new Fate(
      // as in the model of stretches: only a target with transactions can say that a request is still on its way to it
      what.kind === "transaction" ? crashes : crashes.map((one) => ({ ...one, takeover: false })),
      () => {
        holder = null;
        inbox.token++;
      },
      async () => {
        await turn();
        tick();
      },
    );
    for (let round = 0; !over(); round++) {
      if (round > 3_000) throw new Error(`The events find no end: ${JSON.stringify({ ...inbox, known: 0 })}`);
      await turn();
      fate.live();
      if (holder !== null && holder !== me) continue;
      if (site?.token !== inbox.token) {
        const token = ++inbox.token;
        site = { token, nextPart: token * 1_000, open: null };
      }
      holder = me;
      try {
        limit = await batch(site, fate, limit);
      } catch (error) {
        if (!(error instanceof Crash) && !(error instanceof LeaseLost) && !fate.dead) throw error;
        site = undefined;
        if (holder === me) holder = null;
      }
    }
    if (holder === me) holder = null;
  }

  /** As server/events/drain-flow.ts does it. */
  async function batch(site: EventsMemory & { token: number }, fate: Fate, limit: number): Promise<number> {
    const now = new Date(effects * STEP_MS);
    const claimed = await fate.effect("claim", () => inbox.claim(site.token, limit, now));
    const session = target.session(
      fate,
      () => down || (flakes.shift() ?? false),
      () => lost.shift() ?? false,
    );
    const to = { id: "con_to", session, sinks: [sinkInfo(what.kind)] };
    const connection = async () => {
      if (down || (flakes.shift() ?? false)) throw new ConnectionFailed("To", passing());
      return to;
    };
    const { signal } = new AbortController();
    if (claimed.cancelling) {
      await endCancelled(site, fate, { connectionById: connection, sleep: async () => {}, signal }, claimed.cancels);
      return limit;
    }
    if (claimed.events.length === 0) return limit;
    const worked = await workOnBatch(
      { ...claimed, flowId: "flw", now },
      { trigger: "hook", stop, plan: async () => plan },
      site,
      {
        store: inbox.store(fate, site.token, claimed),
        connection,
        connectionById: connection,
        clock: () => new Date(effects * STEP_MS),
        sleep: async () => {},
        isDown: async () => down,
        isOutage: (error) => error instanceof Crash || fate.dead,
        report: (error) => {
          throw error;
        },
        random: () => 0.5,
        signal,
      },
    );
    // the probe may have found it up just before it was waited for
    if (worked === "waiting" && inbox.wait?.reason === "target" && !down) inbox.wait = null;
    return nextLimit(worked, { limit, taken: claimed.events.length, most: MOST });
  }

  /** As server/events/cancel-events.ts does it. */
  async function endCancelled(
    site: EventsMemory & { token: number },
    fate: Fate,
    ports: Omit<Parameters<typeof recoverWhatAnswers>[0], "store">,
    cancels: number,
  ): Promise<void> {
    const runs = await fate.effect("cancelled", () => inbox.cancelled());
    if (runs.some(({ asked }) => asked)) {
      await recoverWhatAnswers({ ...ports, store: inbox.recovery(fate, site.token) });
      site.open = null;
    }
    for (const { id, asked } of runs) if (asked) await fate.effect("end", () => inbox.endAsked(site.token, id));
    const gone = runs.flatMap(({ id, asked }) => (asked ? [] : [id]));
    await fate.effect("ended", () => inbox.endCancelled(site.token, cancels, gone));
  }

  let atWork = what.workers.length;
  const time = async () => {
    while (atWork > 0) {
      await turn();
      tick();
    }
  };
  await Promise.all([...what.workers.map((crashes, me) => worker(crashes, me).finally(() => atWork--)), time()]);
  return { inbox, target, records, neverSent };
}

async function check(what: Scenario, turn: () => Promise<unknown>): Promise<MemoryInbox> {
  const { inbox, target, records, neverSent } = await play(what, turn);
  const { runs, letters, parked, changes, sending } = inbox;
  const keyOf = (run: string) => String(records[Number(run) - 1]?.key);
  const idOf = (run: string) => String(records[Number(run) - 1]?.id);
  const letterOf = new Map(letters.map(({ run, code }) => [run, code]));
  // nothing took effect twice, nobody has two letters, nothing is left open
  expect(target.effects).toHaveLength(new Set(target.effects).size);
  expect(letterOf.size).toBe(letters.length);
  expect(sending).toEqual([]);
  // each event has a run, and each record one outcome, which the target agrees with
  expect(runs.size).toBe(records.length);
  for (const [run, { state, read, outcomes }] of runs) {
    const there = target.records.has(idOf(run));
    const found = Object.entries(outcomes).flatMap(([outcome, times]) => (times > 0 ? [[outcome, times]] : []));
    const code = letterOf.get(run);
    const told = `run ${run}: ${state} ${JSON.stringify(found)} ${code}`;
    if (state === "cancelled" && read === 0) {
      expect(there, told).toBe(false);
      expect(code, told).toBeUndefined();
      continue;
    }
    expect(read, told).toBe(1);
    expect(found, told).toHaveLength(1);
    const [[outcome] = []] = found;
    if (outcome === "created" || outcome === "unchanged") expect(there, told).toBe(true);
    else if (outcome === "held") expect([there, parked.some((one) => one.run === run)], told).toEqual([false, true]);
    else if (code !== "may-have-arrived") expect(there, told).toBe(false);
    // what is sent again under its key is in doubt only once waiting is over
    else if (state !== "cancelled") expect(["neither", "keys"], told).toContain(what.kind);
    expect(outcome === "dead", told).toBe(code !== undefined);
  }
  for (const run of neverSent) {
    expect(runs.get(run)?.state).toBe("cancelled");
    expect(target.records.has(idOf(run)), `${run} was cancelled, and sent`).toBe(false);
  }
  // the ledger says what the target holds
  const ledger = changes.filter(({ state }) => state === "done").map(({ run }) => idOf(run));
  const doubted = letters.filter(({ code }) => code === "may-have-arrived").map(({ run }) => idOf(run));
  expect(ledger).toHaveLength(new Set(ledger).size);
  expect([...ledger].sort()).toEqual([...target.records.keys()].filter((id) => !doubted.includes(id)).sort());
  if (what.order === "by-key") {
    for (const key of ["a", "b", "c"]) {
      const order = target.effects.map((id) => Number(id.slice(1))).filter((at) => keyOf(String(at + 1)) === key);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      const blocked = [...letters, ...parked].filter((one) => one.key === key).map(({ run }) => Number(run) - 1);
      for (const at of order)
        expect(
          blocked.filter((before) => before < at),
          `r${at} went past one before it`,
        ).toEqual([]);
    }
  } else expect(parked).toEqual([]);
  if (what.stopAt === undefined) expect(inbox.stops).toBe(0);
  else expect(inbox.stops).toBeLessThanOrEqual(letters.length);
  return inbox;
}

const { numRuns, timeoutMs } = modelRuns(1_500);

/**
 * The drain of a flow's events as a model: the real engine in one or two workers over an inbox and a target in memory, with
 * events, repeats, cancels, stops and outages between any two of their effects, and a crash or the loss of the hold before or
 * after any of them.
 */
describe("a flow's events", () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterAll(() => void vi.useRealTimers());

  it("without a fault, are each a run, written once, in their order", async () => {
    for (const kind of targets)
      for (const order of ["by-key", "none"] as const) {
        const events = Array.from({ length: 9 }, (_, at) => ({ key: at % 2 === 0 ? "a" : "b", bad: at === 4 }));
        const quiet = { kind, order, stopAt: undefined, moves: [], workers: [[], []], flakes: [], lost: [] };
        const { runs, letters, parked } = await check({ ...quiet, events: events as Scenario["events"] }, () =>
          Promise.resolve(),
        );
        expect([...runs.values()].filter(({ state }) => state === "succeeded_with_errors")).toHaveLength(1);
        expect(letters).toMatchObject([{ run: "5", code: "refused" }]);
        expect(parked.map(({ run }) => run)).toEqual(order === "by-key" ? ["7", "9"] : []);
      }
  });

  it(
    "keep their promises whatever comes between, and in whatever order",
    async () => {
      await fc.assert(
        fc.asyncProperty(scenario, fc.scheduler(), async (what, scheduler) => {
          await inAnyOrder(scheduler, (turn) => check(what, turn));
        }),
        { numRuns },
      );
    },
    timeoutMs,
  );
});
