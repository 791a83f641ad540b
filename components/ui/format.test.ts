import { describe, expect, it } from "vitest";
import { count, exactTime, formatNumber, formatSpan, relativeTime, shortTime } from "./format.ts";

describe("numbers", () => {
  it("are grouped by a narrow space", () => {
    expect(formatNumber(0)).toBe("0");
    expect(formatNumber(999)).toBe("999");
    expect(formatNumber(1234567)).toBe("1\u202f234\u202f567");
    expect(formatNumber(-1200)).toBe("−1\u202f200");
    expect(formatNumber(1234.5, 2)).toBe("1\u202f234.50");
    expect(formatNumber(-0.2)).toBe("0");
  });
  it("agree with their noun", () => {
    expect(count(1, "order")).toBe("1 order");
    expect(count(1200, "order")).toBe("1\u202f200 orders");
    expect(count(2, "entry", "entries")).toBe("2 entries");
  });
});

describe("times", () => {
  const now = new Date("2026-11-23T15:00:00Z");
  const at = (iso: string) => relativeTime(iso, now, "UTC");
  it("are said as a colleague would", () => {
    expect(at("2026-11-23T14:59:55Z")).toBe("just now");
    expect(at("2026-11-23T14:56:00Z")).toBe("4 min ago");
    expect(at("2026-11-23T15:05:00Z")).toBe("in 5 min");
    expect(at("2026-11-23T09:02:00Z")).toBe("09:02");
    expect(at("2026-11-22T23:30:00Z")).toBe("yesterday 23:30");
    expect(at("2026-11-24T06:00:00Z")).toBe("tomorrow 06:00");
    expect(at("2026-11-19T08:00:00Z")).toBe("Thu 08:00");
    expect(at("2026-11-03T08:00:00Z")).toBe("3 Nov");
    expect(at("2025-11-03T08:00:00Z")).toBe("3 Nov 2025");
  });
  it("follow the zone of the reader", () => {
    expect(relativeTime("2026-11-22T23:30:00Z", now, "Europe/Berlin")).toBe("00:30");
    expect(exactTime("2026-11-23T13:02:07Z", "UTC")).toContain("13:02:07");
    expect(shortTime("2026-11-23T13:02:00Z", "UTC")).toBe("23 Nov, 13:02");
    expect(shortTime("2026-11-23T13:02:07Z", "UTC")).toBe("23 Nov, 13:02:07");
  });
  it("spans grow from tenths of a second to hours", () => {
    expect(formatSpan(12)).toBe("under 0.1 s");
    expect(formatSpan(380)).toBe("0.4 s");
    expect(formatSpan(12_400)).toBe("12 s");
    expect(formatSpan(200_000)).toBe("3 min 20 s");
    expect(formatSpan(7_500_000)).toBe("2 h 5 min");
  });
});
