import { z } from "zod";
import { conditionSchema } from "../rules/schema.ts";
import { formula, stepBase } from "../step-schema.ts";

export const filterSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("filter"),
    where: formula.optional().meta({ title: "Where", description: "Formula; records for which it is TRUE pass" }),
    rules: z
      .array(conditionSchema)
      .max(500)
      .optional()
      .meta({ title: "Rules", description: "Records that keep all of them pass" }),
  })
  .meta({ title: "Filter", description: "Lets only some records pass; the others end as filtered" });
export type FilterStep = z.output<typeof filterSchema>;
