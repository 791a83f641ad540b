import { z } from "zod";
import { findChainFunction } from "./chain-functions.ts";
import type { Json } from "./types.ts";

const JsonSchema: z.ZodType<Json> = z.json();

/**
 * One function of a chain, the piped value being its first argument: `"trim"`, `"round(2)"`, `{ round: [2] }` or
 * `{ fn: "round", args: [2] }`.
 */
export const ChainItemSchema = z.union([
  z.string().min(1),
  z.strictObject({ fn: z.string().min(1), args: z.array(JsonSchema).optional() }),
  z
    .record(z.string().min(1), JsonSchema)
    .refine((item) => Object.keys(item).length === 1, { message: 'expected one function, such as { "round": [2] }' })
    .refine((item) => !("fn" in item) || findChainFunction("fn") !== undefined, {
      message: 'expected { "fn": "round", "args": [2] }',
    }),
]);
export type ChainItem = z.infer<typeof ChainItemSchema>;

const SOURCES = ["from", "formula", "value"] as const;

/**
 * One rule of a mapping: target field ← exactly one of a source field (`from`), a `formula` or a fixed `value`; then the
 * chain, the table, and what stands for an empty result.
 */
export const FieldMappingSchema = z
  .strictObject({
    /** target field; dots reach into nested records: `address.city` */
    to: z.string().min(1).max(500),
    /** path of a source field: `customer.name`, a part may hold blanks */
    from: z.string().min(1).max(500).optional(),
    formula: z.string().min(1).max(20_000).optional(),
    value: JsonSchema.optional(),
    apply: z.array(ChainItemSchema).max(50).optional(),
    /** a table's name, or the table itself: result → other value; a result it does not have is a reason */
    table: z.union([z.string().min(1), z.record(z.string(), JsonSchema)]).optional(),
    /** taken instead of an empty result: NULL, blank text, a field the record does not have */
    whenEmpty: JsonSchema.optional(),
  })
  .superRefine((rule, context) => {
    const given = SOURCES.filter((source) => rule[source] !== undefined);
    if (given.length === 1) return;
    const found = given.length === 0 ? "none" : given.join(" and ");
    context.addIssue({
      code: "custom",
      path: given.slice(1, 2),
      message: `expected exactly one of from, formula and value, found ${found}`,
    });
  });
export type FieldMapping = z.infer<typeof FieldMappingSchema>;
