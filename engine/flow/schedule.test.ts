import { describe, expect, it } from "vitest";
import { cronProblem, nextRunAt, type Timing } from "./schedule.ts";

const berlin = "Europe/Berlin";

/** The next `count` runs after a moment. */
function runs(timing: Timing, after: string, count: number, timeZone?: string): string[] {
  const found: string[] = [];
  let from = new Date(after);
  for (let at = 0; at < count; at += 1) {
    from = nextRunAt(timing, from, timeZone)!;
    found.push(from.toISOString().replace(".000", ""));
  }
  return found;
}

describe("a flow run by hand", () => {
  it("has no next run", () => {
    expect(nextRunAt({ kind: "by-hand" }, new Date())).toBeNull();
  });
});

describe("every", () => {
  it("adds seconds, minutes and hours as elapsed time, across the end of summer time too", () => {
    expect(runs({ kind: "every", every: "1s" }, "2026-01-01T00:00:00Z", 2)).toEqual([
      "2026-01-01T00:00:01Z",
      "2026-01-01T00:00:02Z",
    ]);
    expect(runs({ kind: "every", every: "24h" }, "2026-10-24T10:00:00Z", 1, berlin)).toEqual(["2026-10-25T10:00:00Z"]);
  });

  it("keeps the time on the wall for days and weeks", () => {
    // 12:00 in Berlin is 10:00Z in summer and 11:00Z in winter
    expect(runs({ kind: "every", every: "1d" }, "2026-10-24T10:00:00Z", 2, berlin)).toEqual([
      "2026-10-25T11:00:00Z",
      "2026-10-26T11:00:00Z",
    ]);
    expect(runs({ kind: "every", every: "1w" }, "2026-03-25T11:00:00Z", 1, berlin)).toEqual(["2026-04-01T10:00:00Z"]);
  });
});

describe("cron", () => {
  it("means its own time zone, else the one given", () => {
    const atSix: Timing = { kind: "cron", cron: "0 6 * * 1-5" };
    expect(runs(atSix, "2026-11-20T12:00:00Z", 1)).toEqual(["2026-11-23T06:00:00Z"]);
    expect(runs(atSix, "2026-11-20T12:00:00Z", 1, berlin)).toEqual(["2026-11-23T05:00:00Z"]);
    expect(runs({ ...atSix, timeZone: "America/New_York" }, "2026-11-20T12:00:00Z", 1, berlin)).toEqual([
      "2026-11-23T11:00:00Z",
    ]);
  });

  it("a time that the clocks skip in spring comes right after the gap, once", () => {
    const atHalfPastTwo: Timing = { kind: "cron", cron: "30 2 * * *", timeZone: berlin };
    expect(runs(atHalfPastTwo, "2026-03-28T12:00:00Z", 2)).toEqual(["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
  });

  it("a time that the clocks show twice in autumn comes once", () => {
    const atHalfPastTwo: Timing = { kind: "cron", cron: "30 2 * * *", timeZone: berlin };
    expect(runs(atHalfPastTwo, "2026-10-24T12:00:00Z", 2)).toEqual(["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
  });

  it("every half hour goes on through the repeated hour", () => {
    expect(runs({ kind: "cron", cron: "*/30 * * * *", timeZone: berlin }, "2026-10-24T23:59:00Z", 5)).toEqual([
      "2026-10-25T00:00:00Z",
      "2026-10-25T00:30:00Z",
      "2026-10-25T01:00:00Z",
      "2026-10-25T01:30:00Z",
      "2026-10-25T02:00:00Z",
    ]);
  });

  it("may have seconds", () => {
    expect(runs({ kind: "cron", cron: "*/20 * * * * *" }, "2026-01-01T00:00:01Z", 2)).toEqual([
      "2026-01-01T00:00:20Z",
      "2026-01-01T00:00:40Z",
    ]);
  });

  it.each([
    ["0 6 * *", "five parts"],
    ["61 * * * *", "61"],
    ["0 0 30 2 *", "never"],
    ["often and then some more", "illegal"],
  ])("%s is refused, saying why", (cron, why) => {
    expect(cronProblem(cron)).toContain(why);
  });

  it("a good pattern is no problem", () => {
    expect(cronProblem("0 6 * * 1-5", berlin)).toBeUndefined();
  });
});
