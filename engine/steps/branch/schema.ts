import { z } from "zod";
import { conditionSchema } from "../rules/schema.ts";
import { formula, portName, stepBase } from "../step-schema.ts";

export const branchSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("branch"),
    branches: z
      .array(
        z.strictObject({
          port: portName,
          title: z.string().min(1).max(200).optional().meta({ title: "Title" }),
          where: formula.optional().meta({ title: "Where" }),
          rules: z.array(conditionSchema).max(500).optional().meta({ title: "Rules" }),
        }),
      )
      .max(100)
      .meta({ title: "Branches", description: "Tried in order; the rest leaves by port “else”" }),
    all: z.boolean().optional().meta({
      title: "All",
      description: "true: a record leaves by every port whose condition holds, not only the first",
    }),
  })
  .meta({ title: "Branch", description: "Sends records different ways" });
export type BranchStep = z.output<typeof branchSchema>;
