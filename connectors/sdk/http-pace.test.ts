import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPace } from "./http-pace.ts";

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Four senders against a token bucket that answers "wait 1 s"; gives the seconds until `count` were accepted. */
async function secondsFor(
  count: number,
  { perSecond, burst }: { perSecond: number; burst: number },
  paced: boolean,
): Promise<number> {
  const pace = createPace();
  let bucket = { tokens: burst, at: 0 };
  let accepted = 0;
  let doneAt = 0;
  let waitUntil = 0;
  const sender = async () => {
    while (accepted < count) {
      if (Date.now() < waitUntil) await new Promise((done) => setTimeout(done, waitUntil - Date.now()));
      if (paced) await pace.turn();
      await new Promise((done) => setTimeout(done, 4)); // the way there and back
      bucket = {
        tokens: Math.min(burst, bucket.tokens + ((Date.now() - bucket.at) / 1000) * perSecond),
        at: Date.now(),
      };
      if (bucket.tokens >= 1) {
        bucket.tokens--;
        pace.accepted();
        if (++accepted >= count) doneAt ||= Date.now();
      } else {
        pace.limited();
        waitUntil = Date.now() + 1000;
      }
    }
  };
  const all = Promise.all([sender(), sender(), sender(), sender()]);
  await vi.advanceTimersByTimeAsync(600_000);
  await all;
  return doneAt / 1000;
}

describe("the pace", () => {
  it.each([5, 10, 50])("comes close to what a bucket of %i at 50/s allows", async (burst) => {
    const limit = { perSecond: 50, burst };
    const ideal = (2000 - burst) / 50;
    expect(await secondsFor(2000, limit, true)).toBeLessThan(ideal * 1.25);
  });

  it("is what makes the difference for a small bucket", async () => {
    const limit = { perSecond: 50, burst: 5 };
    expect(await secondsFor(1000, limit, false)).toBeGreaterThan(60);
  });

  it("does not slow down a system without a limit", async () => {
    const pace = createPace();
    for (let request = 0; request < 1000; request++) {
      await pace.turn();
      pace.accepted();
    }
    expect(Date.now()).toBe(0);
  });
});
