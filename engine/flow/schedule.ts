/** When a flow's trigger runs next. */
import { Cron } from "croner";
import { DateTime } from "luxon";
import { durationMs, readDuration } from "./duration.ts";

/** Without a time zone of its own, a schedule means the zone given to `nextRunAt`. */
export type Timing =
  | { kind: "by-hand" }
  | { kind: "every"; every: string; timeZone?: string }
  | { kind: "cron"; cron: string; timeZone?: string };

/**
 * The first moment after `after` at which the timing asks for a run; null when there is none.
 *
 * `every` with s, m and h is elapsed time; with d and w it is calendar days, so the clock on the wall shows the same time
 * across a change of summer time. A cron time that the clock skips in spring comes at the first moment after the gap; one
 * that it shows twice in autumn comes once, the first time — unless the pattern runs every hour or more often, which goes
 * on by elapsed time.
 *
 * @param timeZone IANA name, used when the timing has none
 */
export function nextRunAt(timing: Timing, after: Date, timeZone = "UTC"): Date | null {
  if (timing.kind === "by-hand") return null;
  const zone = timing.timeZone ?? timeZone;
  if (timing.kind === "every") return afterEvery(timing.every, after, zone);
  return parseCron(timing.cron, zone).nextRun(after);
}

function afterEvery(every: string, after: Date, timeZone: string): Date {
  const duration = readDuration(every);
  if (duration?.unit !== "d" && duration?.unit !== "w") return new Date(after.getTime() + durationMs(every));
  const days = duration.unit === "w" ? duration.amount * 7 : duration.amount;
  return DateTime.fromJSDate(after, { zone: timeZone }).plus({ days }).toJSDate();
}

/** Why a cron pattern cannot be used; undefined when it can. */
export function cronProblem(cron: string, timeZone = "UTC"): string | undefined {
  const parts = cron.trim().split(/\s+/).length;
  if (!cron.startsWith("@") && parts !== 5 && parts !== 6)
    return `expected five parts, or six with seconds first, found ${parts}`;
  try {
    const next = parseCron(cron, timeZone).nextRun(new Date("2026-01-01T00:00:00Z"));
    return next ? undefined : "expected a time that comes, found one that never does";
  } catch (error) {
    const said = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : String(error);
    const why = `${said.charAt(0).toLowerCase()}${said.slice(1)}`.replace(/\.$/, "");
    return `expected a pattern such as 0 6 * * 1-5, found "${cron}" (${why})`;
  }
}

function parseCron(cron: string, timezone: string): Cron {
  return new Cron(cron, { timezone, paused: true, mode: "5-or-6-parts" });
}
