import { z } from "zod";
import { fieldPath, stepBase } from "../step-schema.ts";

export const dedupeSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("dedupe"),
    keys: z.array(fieldPath).max(50).meta({ title: "Keys", description: "Fields that together tell records apart" }),
    ignoreCase: z.boolean().optional().meta({ title: "Ignore case", description: "“A1” and “a1” are the same" }),
    trim: z.boolean().optional().meta({ title: "Trim", description: "Blanks around a value do not count" }),
    keep: z.enum(["first"]).optional().meta({ title: "Keep", description: "Which of the equal records passes" }),
    scope: z
      .enum(["run", "forever"])
      .optional()
      .meta({ title: "Scope", description: "Compared within one run (default), or with all runs of this flow" }),
    emptyKey: z.enum(["pass", "dead"]).optional().meta({
      title: "Empty key",
      description: "A record whose keys are all empty: passes (default) or is a dead letter",
    }),
  })
  .meta({ title: "Remove duplicates", description: "Lets the first record of each key pass" });
export type DedupeStep = z.output<typeof dedupeSchema>;
