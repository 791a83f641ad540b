/** A past range of a watermark, as a person gives it and as a backfill takes it. Pure. */

export type RangeKind = "datetime" | "date" | "number" | "text";
export type Range = { from?: string | number; until?: string | number };

/** How a field of this type is entered. */
export function rangeKind(type: string | undefined): RangeKind {
  if (type === "datetime" || type === "date") return type;
  return type === "integer" || type === "number" || type === "decimal" ? "number" : "text";
}

/**
 * Both ends belong to what a person asks for; the run takes what lies after its `from`. Of a text nobody can say what comes just
 * before it, so there `from` stays as it is. Moments are entered in the zone of the browser, without one.
 */
export function rangeOf(kind: RangeKind, from: string, until: string): Range {
  const [first, last] = [from.trim(), until.trim()];
  return {
    ...(first !== "" && { from: before(kind, first) }),
    ...(last !== "" && { until: kind === "number" ? Number(last) : kind === "datetime" ? instant(last) : last }),
  };
}

function before(kind: RangeKind, value: string): string | number {
  if (kind === "number") return Number(value) - (Number.isInteger(Number(value)) ? 1 : 0);
  if (kind === "datetime") return new Date(new Date(value).getTime() - 1).toISOString();
  if (kind === "text") return value;
  const day = new Date(`${value}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - 1);
  return day.toISOString().slice(0, 10);
}

const instant = (value: string) => new Date(value).toISOString();
