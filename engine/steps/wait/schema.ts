import { z } from "zod";
import { duration, formula, stepBase } from "../step-schema.ts";

export const waitSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("wait"),
    for: duration.optional().meta({ title: "For", description: "How long each record waits: 10m, 2d" }),
    until: formula.optional().meta({
      title: "Until",
      description: 'Field or formula that gives a date or time: due_on, DATEADD(shipped_at, 2, "day")',
    }),
  })
  .meta({ title: "Wait", description: "Holds each record for a time, then lets it go on" });
export type WaitStep = z.output<typeof waitSchema>;
