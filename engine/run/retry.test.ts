import { describe, expect, it } from "vitest";
import { type FailureInfo, IntegrationError } from "../../connectors/sdk/errors.ts";
import { retryPolicy } from "./execute-flow.ts";
import { afterTry, inPageWait, nextTry, readThroughBlips, throughBlips } from "./retry.ts";

const passing = { kind: "transient", code: "unavailable", message: "" } as const;
const HOUR = 3_600_000;

/** When each further try of a run that never succeeds comes, in ms since its first failure. */
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
  it("comes soon at first, then later and later: the usual ten tries take hours, not seconds", () => {
    const at = tries(retryPolicy({}));
    expect(at).toHaveLength(9);
    expect(at[0]).toBe(2_000);
    expect(at.at(-1)).toBeGreaterThan(3.5 * HOUR);
    for (let tried = 2; tried < at.length; tried++)
      expect(at[tried]! - at[tried - 1]!).toBeGreaterThanOrEqual(at[tried - 1]! - at[tried - 2]!);
  });

  it("is spread, so that not all come at once", () => {
    expect(tries(retryPolicy({}), () => 0)[0]).toBe(1_000);
    expect(tries(retryPolicy({}), () => 0.5)[0]).toBe(1_500);
  });

  it("ends with the attempts or with the time, whichever comes first; the last try is not after the time", () => {
    expect(tries({ attempts: 3, forMs: 24 * HOUR })).toHaveLength(2);
    expect(tries({ attempts: 1, forMs: 24 * HOUR })).toEqual([]);
    const at = tries({ attempts: 1_000, forMs: HOUR });
    expect(at.at(-1)).toBe(HOUR);
    expect(at.length).toBeLessThan(12);
    expect(tries({ attempts: 1_000, forMs: 72 * HOUR }).length).toBeGreaterThan(70);
  });

  it("never comes before what the system asked for", () => {
    const [first] = tries({ attempts: 2, forMs: HOUR }, () => 0, { retryAfterMs: 120_000 });
    expect(first).toBe(120_000);
    expect(tries({ attempts: 2, forMs: HOUR }, () => 1, { retryAfterMs: 120_000 })[0]).toBe(125_000);
  });

  it("obeys what the flow says", () => {
    expect(retryPolicy({ retry: { attempts: 3, for: "2h" } })).toEqual({ attempts: 3, forMs: 2 * HOUR });
    expect(retryPolicy({})).toEqual({ attempts: 10, forMs: 24 * HOUR });
  });
});

/** Time that only goes on while somebody waits, or a call takes its time. */
function patience() {
  let now = 0;
  const waits: number[] = [];
  const ports = {
    clock: () => new Date(now),
    sleep: async (ms: number) => {
      waits.push(ms);
      now += ms;
    },
    signal: new AbortController().signal,
  };
  const takes = (ms: number) => {
    now += ms;
  };
  return { ports, waits, takes };
}
const lost = () => new IntegrationError("It broke.", { kind: "transient", code: "connection-lost" });

describe("a blip", () => {
  it("is waited for where it happens, three times and longer each time; then the failure is told", async () => {
    const { ports, waits } = patience();
    let asked = 0;
    expect(await throughBlips(ports, async () => (++asked < 4 ? Promise.reject(lost()) : asked))).toBe(4);
    expect(waits).toEqual([200, 800, 2_500]);
    await expect(throughBlips(ports, () => Promise.reject(lost()))).rejects.toThrow("It broke.");
    expect(waits).toHaveLength(6);
  });

  it("is none when what fails does not pass, is known to be down, asks for longer, or is a defect of ours", async () => {
    const failures: (Partial<FailureInfo> & { kind: FailureInfo["kind"]; code: string })[] = [
      { kind: "settings", code: "table-missing" },
      { kind: "transient", code: "target-down" },
      { kind: "transient", code: "rate-limited", retryAfterMs: 60_000 },
    ];
    for (const failure of failures) expect(inPageWait({ message: "", ...failure }, 0)).toBeNull();
    expect(inPageWait({ kind: "transient", code: "rate-limited", message: "", retryAfterMs: 3_000 }, 0)).toBe(3_000);
    const { ports, waits } = patience();
    await expect(throughBlips(ports, () => Promise.reject(new TypeError("x")))).rejects.toThrow(TypeError);
    expect(waits).toEqual([]);
  });

  it("is none when the system takes its time to fail: nobody sits through four timeouts", async () => {
    const { ports, waits, takes } = patience();
    const slow = async () => {
      takes(10_000);
      throw lost();
    };
    await expect(throughBlips(ports, slow)).rejects.toThrow("It broke.");
    expect(waits).toEqual([]);
  });

  it("while reading does not read a page again that came before it, and each one may have its own", async () => {
    const { ports, waits } = patience();
    let failures = 0;
    async function* read(cursor: unknown) {
      for (let page = Number(cursor ?? 0) + 1; page <= 6; page++) {
        if (page % 2 === 0 && failures++ % 4 < 3) throw lost();
        yield { cursor: page };
      }
    }
    const seen: number[] = [];
    for await (const { cursor } of readThroughBlips(ports, null, read)) seen.push(cursor);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(waits).toEqual([200, 800, 2_500, 200, 800, 2_500, 200, 800, 2_500]);
  });

  it("that does not pass ends a try in words that promise nothing", () => {
    expect(afterTry("“Shop”: it broke.", "Shop")).toBe(
      "“Shop”: it broke. Nothing was written. Try again in a moment, or when “Shop” works again.",
    );
  });
});
