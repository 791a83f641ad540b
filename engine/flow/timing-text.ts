import type { Timing } from "./schedule.ts";

const UNITS: { [unit: string]: string } = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };
const DAYS: { [days: string]: string } = { "*": "every day", "1-5": "every working day" };

/** When a flow starts by itself, in words: "every 5 minutes", "every day at 06:00 (Europe/Berlin)", "by hand". */
export function timingText(timing: Timing | null): string {
  if (timing === null || timing.kind === "by-hand") return "by hand";
  if (timing.kind === "cron")
    return `${cronText(timing.cron)}${timing.timeZone === undefined ? "" : ` (${timing.timeZone})`}`;
  return everyText(timing.every);
}

/** “5m” → “every 5 minutes”. */
export function everyText(every: string): string {
  const [, amount, unit] = every.match(/^(\d+)([smhdw])$/) ?? [];
  const word = UNITS[unit ?? ""];
  if (word === undefined) return `every ${every}`;
  return amount === "1" ? `every ${word}` : `every ${amount} ${word}s`;
}

/** The two patterns nearly everybody writes as a clock time; any other as it stands. */
export function cronText(cron: string): string {
  const [minute = "", hour = "", day, month, weekdays = "", ...more] = cron.trim().split(/\s+/);
  const days = DAYS[weekdays];
  const atOneTime = /^\d{1,2}$/.test(minute) && /^\d{1,2}$/.test(hour) && day === "*" && month === "*";
  if (!atOneTime || days === undefined || more.length > 0) return `at ${cron}`;
  return `${days} at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
}
