import { z } from "zod";
import { fieldPath, formula, stepBase } from "../step-schema.ts";

// replaced by engine/mapping's FieldMappingSchema as soon as it is there
const fieldMapping = z.strictObject({
  to: fieldPath,
  from: fieldPath.optional(),
  apply: z.array(z.json()).optional(),
  formula: formula.optional(),
  value: z.json().optional(),
});

export const mapSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("map"),
    fields: z.array(fieldMapping).max(2_000).meta({ title: "Fields", description: "Only the fields named here pass" }),
  })
  .meta({ title: "Map", description: "Makes each record anew, field by field" });
export type MapStep = z.output<typeof mapSchema>;
