import { z } from "zod";
import { ruleSchema } from "../rules/schema.ts";
import { stepBase } from "../step-schema.ts";

export const checkSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("check"),
    rules: z.array(ruleSchema).max(500).meta({ title: "Rules" }),
    otherwise: z.enum(["dead", "filter", "port"]).optional().meta({
      title: "Otherwise",
      description:
        "What becomes of a record that breaks a rule: dead letter (default), filtered, or sent to port “failed”",
    }),
  })
  .meta({ title: "Check", description: "Lets only records pass that keep all rules" });
export type CheckStep = z.output<typeof checkSchema>;
