/** A rule over one record: what a check demands and a filter or branch may ask. */
import { z } from "zod";
import { fieldPath, formula } from "../step-schema.ts";

export const VALUE_KINDS = [
  "text",
  "number",
  "integer",
  "decimal",
  "boolean",
  "date",
  "datetime",
  "time",
  "email",
  "url",
  "phone",
  "uuid",
  "iban",
  "currency",
  "country",
  "json",
  "list",
  "record",
] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

const bad = { error: "expected a number or a date" };
const bound = z.union([z.number(), z.string().min(1, bad).max(64, bad)], bad);
const length = z.int().min(0).max(10_000_000);

const tests = {
  is: z.enum(VALUE_KINDS).optional().meta({ title: "Is", description: "What kind of value it must be" }),
  min: bound.optional().meta({ title: "Least", description: "Smallest number, or earliest date" }),
  max: bound.optional().meta({ title: "Most", description: "Largest number, or latest date" }),
  minLength: length.optional().meta({ title: "Shortest", description: "Fewest characters, or items of a list" }),
  maxLength: length.optional().meta({ title: "Longest", description: "Most characters, or items of a list" }),
  matches: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .meta({ title: "Matches", description: "Regular expression found in the text; ^…$ for the whole of it" }),
  oneOf: z
    .array(z.union([z.string(), z.number(), z.boolean()], { error: "expected text, a number or true/false" }))
    .min(1)
    .max(10_000)
    .optional()
    .meta({ title: "One of", description: "The only values allowed" }),
  required: z.boolean().optional().meta({ title: "Required", description: "Must not be empty" }),
  optional: z
    .boolean()
    .optional()
    .meta({ title: "Optional", description: "May be empty; when it is not, the rule holds" }),
  formula: formula.optional().meta({ title: "Formula", description: "Must be TRUE for the record" }),
};

/** What filter and branch ask. */
export const conditionSchema = z
  .strictObject({ field: fieldPath.optional(), ...tests })
  .meta({ title: "Rule", description: "A demand on one field, or a formula over the record" });
export type Condition = z.output<typeof conditionSchema>;

/** What check demands: also uniqueness, and a message in the user's words. */
export const ruleSchema = z
  .strictObject({
    field: fieldPath.optional(),
    ...tests,
    unique: z.boolean().optional().meta({ title: "Unique", description: "No other record of the run has this value" }),
    message: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .meta({ title: "Message", description: "Said instead of the built-in reason" }),
  })
  .meta({ title: "Rule", description: "A demand on one field, or a formula over the record" });
export type Rule = z.output<typeof ruleSchema>;
