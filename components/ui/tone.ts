/** What a colour means; never shown without an icon or a word beside it. */
export type Tone = "ok" | "run" | "warn" | "bad" | "dry" | "idle" | "accent";

/** Soft ground with readable text, for pills, notices and tiles. */
export const softTone: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok-text",
  run: "bg-run-soft text-run-text",
  warn: "bg-warn-soft text-warn-text",
  bad: "bg-bad-soft text-bad-text",
  dry: "bg-dry-soft text-dry-text",
  idle: "bg-idle-soft text-idle-text",
  accent: "bg-accent-soft text-accent-text",
};

/** Text alone on a plain ground. */
export const textTone: Record<Tone, string> = {
  ok: "text-ok-text",
  run: "text-run-text",
  warn: "text-warn-text",
  bad: "text-bad-text",
  dry: "text-dry-text",
  idle: "text-idle-text",
  accent: "text-accent-text",
};

/** Full colour, for bars and dots. */
export const solidTone: Record<Tone, string> = {
  ok: "bg-ok",
  run: "bg-run",
  warn: "bg-warn",
  bad: "bg-bad",
  dry: "bg-dry",
  idle: "bg-idle",
  accent: "bg-accent",
};
