/** Lengths of time as people write them in a flow: "30s", "5m", "24h", "7d", "2w". */
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
export type DurationUnit = keyof typeof UNITS;

/** Also published in the JSON Schema, so it must be plain ECMA 262. */
export const DURATION_PATTERN = /^[1-9][0-9]{0,6}[smhdw]$/;
const LONGEST_MS = 366 * UNITS.d;

/** The amount and unit of a duration, or undefined when the text is none (or longer than a year). */
export function readDuration(text: string): { amount: number; unit: DurationUnit; ms: number } | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  const unit = text.at(-1) as DurationUnit;
  const amount = Number(text.slice(0, -1));
  const ms = amount * UNITS[unit];
  return ms <= LONGEST_MS ? { amount, unit, ms } : undefined;
}

/** Milliseconds of a duration such as "5m"; throws on text the schema would have refused. */
export function durationMs(text: string): number {
  const duration = readDuration(text);
  if (!duration) throw new RangeError(`Expected a duration such as "5m" or "24h", found "${text.slice(0, 40)}".`);
  return duration.ms;
}
