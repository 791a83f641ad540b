import type { Timing } from "./schedule.ts";

const UNITS: { [unit: string]: string } = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };
const DAYS: Record<Daily["days"], string> = { "*": "every day", "1-5": "every working day" };

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

/** The two patterns nearly everybody means, as a clock time; any other as it stands. */
export function cronText(cron: string): string {
  const daily = readDaily(cron);
  return daily === null ? `at ${cron}` : `${DAYS[daily.days]} at ${daily.time}`;
}

/** A time of day, each day or each working day. */
export type Daily = { days: "*" | "1-5" /** "06:00" */; time: string };

/** The clock time a pattern means, when it is no more than that; else null. */
export function readDaily(cron: string): Daily | null {
  const [, minute = "", hour = "", days] = cron.trim().match(/^(\d{1,2}) (\d{1,2}) \* \* (\*|1-5)$/) ?? [];
  if (days === undefined || Number(minute) > 59 || Number(hour) > 23) return null;
  return { days: days as Daily["days"], time: `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}` };
}

/** The pattern of a clock time. */
export function dailyCron({ days, time }: Daily): string {
  const [hour, minute] = time.split(":").map(Number);
  return `${minute} ${hour} * * ${days}`;
}
