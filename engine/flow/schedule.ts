/** When a flow's trigger runs next. */

/** Without a time zone of its own, a schedule means the zone given to `nextRunAt`. */
export type Timing =
  | { kind: "by-hand" }
  | { kind: "every"; every: string; timeZone?: string }
  | { kind: "cron"; cron: string; timeZone?: string };
