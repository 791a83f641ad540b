import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { seededRandom } from "../testing/fake-rest.ts";
import { failureOf } from "./errors.ts";
import { createPace, privateStore } from "./http-pace.ts";
import type { PaceLimits } from "./pacing.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());
const paces: ReturnType<typeof createPace>[] = [];

type Server =
  | { perSecond: number; burst: number; quiet?: true; falls?: { afterMs: number; to: number } }
  | { window: number; perWindow: number }
  | { share: number; waitMs?: number; seed: number };

/** A limiter that answers a refusal with whole seconds to wait, as most do; a quiet one says nothing of it. */
function limiter(server: Server): () => number | null | undefined {
  if ("share" in server) {
    const die = seededRandom(server.seed);
    return () => (die() < server.share ? server.waitMs : null);
  }
  if ("window" in server) {
    let at = -1;
    let used = 0;
    return () => {
      const now = Math.floor(Date.now() / server.window);
      if (now !== at) [at, used] = [now, 0];
      if (used >= server.perWindow) return Math.ceil(((now + 1) * server.window - Date.now()) / 1000) * 1000;
      used++;
      return null;
    };
  }
  let bucket = { tokens: server.burst, at: Date.now() };
  const start = Date.now();
  return () => {
    const { falls } = server;
    const perSecond = falls && Date.now() > start + falls.afterMs ? falls.to : server.perSecond;
    const grown = bucket.tokens + ((Date.now() - bucket.at) / 1000) * perSecond;
    bucket = { tokens: Math.min(server.burst, grown), at: Date.now() };
    if (bucket.tokens < 1) return server.quiet ? undefined : Math.ceil((1 - bucket.tokens) / perSecond) * 1000;
    bucket.tokens--;
    return null;
  };
}

/** Sends until `count` were taken, with 5 % of the answers a 503; gives the seconds and refusals it took. */
async function send(count: number, server: Server, senders: number, limits: PaceLimits = {}) {
  const start = Date.now();
  const store = privateStore();
  const pace = createPace(store, { limits });
  const allow = limiter(server);
  let done = 0;
  let doneAt = 0;
  let refusals = 0;
  const die = seededRandom(7);
  const sender = async () => {
    while (done < count) {
      try {
        await pace.turn();
      } catch (error) {
        const { retryAfterMs } = failureOf(error);
        await new Promise((ready) => setTimeout(ready, retryAfterMs));
        continue;
      }
      const sentAt = Date.now();
      await new Promise((ready) => setTimeout(ready, 1 + die() * 2));
      const wait = allow();
      await new Promise((ready) => setTimeout(ready, 2));
      if (wait === null) {
        pace.accepted();
        if (die() > 0.05 && ++done >= count) doneAt ||= Date.now();
      } else {
        refusals++;
        await pace.limited(sentAt, wait);
      }
    }
  };
  const all = Promise.all(Array.from({ length: senders }, sender));
  await vi.advanceTimersByTimeAsync(400_000);
  await all;
  return { seconds: (doneAt - start) / 1000, refusals, rate: store.last().rate };
}

describe("the pace", () => {
  it.each([
    [10, 4],
    [10, 16],
    [25, 4],
    [50, 4],
    [50, 16],
    [100, 8],
  ])(
    "with a bucket of %i at 50/s and %i senders it comes within 10 percent of what is allowed",
    async (burst, senders) => {
      const { seconds } = await send(2000, { perSecond: 50, burst }, senders);
      expect(seconds).toBeLessThan((2000 / 50 / 0.95) * 1.1);
    },
  );

  it.each([
    [1_000, 50],
    [10_000, 500],
    [60_000, 600],
  ])("with a window of %i ms it comes within 20 percent of what is allowed", async (window, perWindow) => {
    const windows = Math.max(5, 40_000 / window);
    const { seconds } = await send(windows * perWindow * 0.94, { window, perWindow }, 4);
    expect(seconds).toBeLessThan(((windows * window) / 1000) * 1.2);
  });

  it("manages with a bucket that holds next to nothing", async () => {
    const { seconds, refusals } = await send(2000, { perSecond: 50, burst: 5 }, 4);
    expect(seconds).toBeLessThan((2000 / 50 / 0.95) * 1.2);
    expect(refusals).toBeLessThan(20);
  });

  it("learns how long to wait, and no rate, from a refusal that met nothing it had sent", async () => {
    const store = privateStore();
    const pace = createPace(store, { name: "Books" });
    for (let time = 0; time < 3; time++) {
      await pace.limited(Date.now(), 20_000);
      await expect(pace.turn()).rejects.toMatchObject({ code: "rate-limited" });
      await vi.advanceTimersByTimeAsync(20_000);
    }
    const start = Date.now();
    for (let request = 0; request < 10; request++) {
      const turn = pace.turn();
      await vi.advanceTimersByTimeAsync(1_500);
      await turn;
      pace.accepted();
    }
    expect(Date.now() - start).toBeLessThanOrEqual(15_000);
    expect(store.last().rate).toBeGreaterThan(1);
  });

  it.each([
    [0.02, 4],
    [0.05, 4],
    [0.05, 16],
    [0.1, 4],
    [0.3, 4],
  ])(
    "where a share of %f is refused however slowly it asks, %i senders do not ask ever more slowly",
    async (share, senders) => {
      for (const seed of [3, 4, 5]) {
        const quiet = await send(1000, { share, seed }, senders);
        expect(quiet.seconds).toBeLessThan(60);
        const patient = await send(200, { share, seed, waitMs: 1000 }, senders);
        expect(patient.seconds).toBeLessThan(40 + 1.2 * patient.refusals);
      }
    },
  );

  it.each([50, 20, 10])("finds a lower limit when others use part of it up: %i/s are left", async (to) => {
    for (const quiet of [{}, { quiet: true as const }]) {
      const falls = { afterMs: 10_000, to };
      const { seconds, refusals } = await send(500 + to * 30, { perSecond: 50, burst: 25, ...quiet, falls }, 4);
      expect(seconds).toBeLessThan((40 / 0.95) * 1.2);
      expect(refusals).toBeLessThan(80);
    }
  });

  it("does not slow down a system without a limit", async () => {
    const pace = createPace();
    const start = Date.now();
    for (let request = 0; request < 1000; request++) {
      await pace.turn();
      pace.accepted();
    }
    expect(Date.now()).toBe(start);
  });

  it("keeps the limits a person set, and says how long when a turn is far", async () => {
    const perSecond = await send(200, { perSecond: 1000, burst: 1000 }, 8, { perSecond: 20 });
    expect(perSecond.seconds).toBeGreaterThan(10.2);
    expect(perSecond.seconds).toBeLessThan(11.2);

    const pace = createPace(privateStore(), { name: "Books", limits: { perMinute: 30 } });
    for (let request = 0; request < 30; request++) await pace.turn();
    const late = pace.turn();
    await vi.advanceTimersByTimeAsync(2_100);
    await late;
    const daily = createPace(privateStore(), { name: "Books", limits: { perDay: 10 } });
    for (let request = 0; request < 10; request++) await daily.turn();
    await expect(daily.turn()).rejects.toMatchObject({
      message: "Books allows no more requests just now; the next may be sent in 144 min.",
      code: "rate-limited",
      retry: { afterMs: 8_640_000 },
    });
  });

  it("shares the requests at once among processes, also where there are more of these than requests", async () => {
    for (const [limit, processes] of [
      [4, 2],
      [1, 3],
    ] as const) {
      const store = privateStore();
      let under = 0;
      let most = 0;
      const served = new Array<number>(processes).fill(0);
      let over = false;
      const all = Array.from({ length: processes * 4 }, async (_, sender) => {
        const process = sender % processes;
        paces[process] ??= createPace(store, { limits: { concurrent: limit } });
        const pace = paces[process];
        while (!over) {
          await pace.turn();
          most = Math.max(most, ++under);
          await new Promise((done) => setTimeout(done, 20));
          under--;
          served[process] = served[process]! + 1;
          pace.done();
        }
      });
      await vi.advanceTimersByTimeAsync(30_000);
      over = true;
      await vi.advanceTimersByTimeAsync(30_000);
      await Promise.all(all);
      expect(most).toBe(limit);
      expect(Math.min(...served)).toBeGreaterThan((30_000 / 20 / processes) * limit * 0.6);
      paces.length = 0;
    }
  });
});
