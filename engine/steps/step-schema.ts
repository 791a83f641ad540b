/** Parts of the schemas of several step kinds. Their `error` texts continue "Step “x”, field “y”: …". */
import { z } from "zod";
import { DURATION_PATTERN, readDuration } from "../flow/duration.ts";

const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export const stepId = z
  .string()
  .regex(ID, { error: "expected up to 64 letters, digits, - and _, beginning with a letter or digit" })
  .refine((id) => !(id in Object.prototype), { error: "expected an id that is not a word of the language itself" })
  .meta({ title: "Step id", description: "Unique within the flow; links, runs and the ledger refer to it." });

export const portName = z
  .string()
  .regex(ID, { error: "expected up to 64 letters, digits, - and _, beginning with a letter or digit" })
  .meta({ title: "Port" });

/** Name of a field, or path into nested records (`customer.name`). */
export const fieldPath = z
  .string()
  .min(1, { error: "expected the name of a field" })
  .max(500)
  .meta({ title: "Field", description: "A field's name, or a path into nested records: customer.name" });

/** May be empty in a draft: a step just dropped on the canvas. Validation asks for it. */
export const reference = z.string().max(500);
export const formula = z
  .string()
  .min(1, { error: 'expected a formula such as total > 100 or AND(paid, country = "DE")' })
  .max(20_000)
  .meta({ title: "Formula" });

export const duration = z
  .string()
  .regex(DURATION_PATTERN, { error: 'expected a duration such as "30s", "5m", "24h" or "7d"' })
  .refine((text) => readDuration(text) !== undefined, { error: "expected a duration of at most 366 days" })
  .meta({ title: "Duration", description: "A whole number with s, m, h, d or w: 30s, 5m, 24h, 7d" });

export const timeZone = z
  .string()
  .refine(isTimeZone, { error: "expected a time zone such as Europe/Berlin or UTC" })
  .meta({ title: "Time zone", description: "IANA name, such as Europe/Berlin" });

/** What every step has beside its own settings. */
export const stepBase = {
  id: stepId,
  title: z.string().min(1).max(200).optional().meta({ title: "Title", description: "The step's name on the canvas" }),
};

const zones = new Map<string, boolean>();

/** Whether the platform knows a time zone of this name. */
export function isTimeZone(name: string): boolean {
  const known = zones.get(name);
  if (known !== undefined) return known;
  let valid = /^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name) && name.length <= 60;
  try {
    if (valid) new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    valid = false;
  }
  if (zones.size < 1_000) zones.set(name, valid);
  return valid;
}
