import type { Timing } from "../../engine/flow/schedule.ts";

const UNITS: { [unit: string]: string } = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

/** When a flow starts by itself, in words: "every 5 minutes", "at 0 6 * * 1-5 (Europe/Berlin)", "by hand". */
export function timingText(timing: Timing | null): string {
  if (timing === null || timing.kind === "by-hand") return "by hand";
  if (timing.kind === "cron") return `at ${timing.cron}${timing.timeZone === undefined ? "" : ` (${timing.timeZone})`}`;
  const [, amount, unit] = timing.every.match(/^(\d+)([smhdw])$/) ?? [];
  const word = UNITS[unit ?? ""];
  if (word === undefined) return `every ${timing.every}`;
  return amount === "1" ? `every ${word}` : `every ${amount} ${word}s`;
}
