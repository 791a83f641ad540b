import { expect, it } from "vitest";
import { dailyCron, readDaily, timingText } from "./timing-text.ts";

it("says in words when a flow starts by itself", () => {
  expect(timingText(null)).toBe("by hand");
  expect(timingText({ kind: "by-hand" })).toBe("by hand");
  expect(timingText({ kind: "every", every: "5m" })).toBe("every 5 minutes");
  expect(timingText({ kind: "every", every: "1d", timeZone: "Europe/Berlin" })).toBe("every day");
});

it("a schedule at one clock time is said as that, any other as it is written", () => {
  const cron = (pattern: string, timeZone?: string) => timingText({ kind: "cron", cron: pattern, timeZone });
  expect(cron("0 6 * * *", "Europe/Berlin")).toBe("every day at 06:00 (Europe/Berlin)");
  expect(cron("5 18 * * 1-5")).toBe("every working day at 18:05");
  expect(readDaily("5 18 * * 1-5")).toEqual({ days: "1-5", time: "18:05" });
  expect(dailyCron({ days: "*", time: "06:30" })).toBe("30 6 * * *");
  expect(readDaily("60 6 * * *")).toBeNull();
  for (const other of ["*/5 * * * *", "0 6 1 * *", "0 6 * * 1", "0 0 6 * * *", "@daily"])
    expect(cron(other)).toBe(`at ${other}`);
});
