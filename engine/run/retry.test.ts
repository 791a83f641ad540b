import { describe, expect, it } from "vitest";
import { retryPolicy } from "./execute-flow.ts";
import { nextTry } from "./retry.ts";

const passing = { kind: "transient", code: "unavailable", message: "" } as const;
const HOUR = 3_600_000;

/** When each try of a run that never succeeds comes, in ms since its first failure. */
function tries(policy: { attempts: number; forMs: number }, random = () => 1, failure: object = passing): number[] {
  const at: number[] = [];
  for (let now = 0, failures = 1; ; failures++) {
    const waitMs = nextTry(policy, failures, now, { ...passing, ...failure }, random());
    if (waitMs === null) return at;
    now += waitMs;
    at.push(now);
  }
}

describe("the next try", () => {
  it("comes soon at first, then later and later: the usual eight tries take hours, not seconds", () => {
    const at = tries(retryPolicy({}));
    expect(at).toHaveLength(8);
    expect(at[0]).toBe(2_000);
    expect(at.at(-1)).toBeGreaterThan(2.5 * HOUR);
    for (let tried = 2; tried < at.length; tried++)
      expect(at[tried]! - at[tried - 1]!).toBeGreaterThanOrEqual(at[tried - 1]! - at[tried - 2]!);
  });

  it("is spread, so that not all come at once", () => {
    expect(tries(retryPolicy({}), () => 0)[0]).toBe(1_000);
    expect(tries(retryPolicy({}), () => 0.5)[0]).toBe(1_500);
  });

  it("ends with the attempts or with the time, whichever comes first; the last try is not after the time", () => {
    expect(tries({ attempts: 3, forMs: 24 * HOUR })).toHaveLength(3);
    const at = tries({ attempts: 1_000, forMs: HOUR });
    expect(at.at(-1)).toBe(HOUR);
    expect(at.length).toBeLessThan(12);
    expect(tries({ attempts: 1_000, forMs: 72 * HOUR }).length).toBeGreaterThan(70);
  });

  it("never comes before what the system asked for", () => {
    const [first] = tries({ attempts: 1, forMs: HOUR }, () => 0, { retryAfterMs: 120_000 });
    expect(first).toBe(120_000);
    expect(tries({ attempts: 1, forMs: HOUR }, () => 1, { retryAfterMs: 120_000 })[0]).toBe(125_000);
  });

  it("obeys what the flow says", () => {
    expect(retryPolicy({ retry: { attempts: 3, for: "2h" } })).toEqual({ attempts: 3, forMs: 2 * HOUR });
    expect(retryPolicy({})).toEqual({ attempts: 8, forMs: 24 * HOUR });
  });
});
