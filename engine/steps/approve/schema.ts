import { z } from "zod";
import { duration, fieldPath, stepBase } from "../step-schema.ts";

export const approveSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("approve"),
    question: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .meta({ title: "Question", description: "What is asked: Pay this refund?" }),
    show: z
      .array(fieldPath)
      .max(100)
      .optional()
      .meta({ title: "Show", description: "Fields shown with the question; absent: all" }),
    who: z
      .array(z.email({ error: "expected an e-mail address" }))
      .min(1)
      .max(100)
      .optional()
      .meta({ title: "Who", description: "People who may answer; absent: everyone who may retry records" }),
    within: duration.optional().meta({ title: "Within", description: "Time for an answer: 2d; absent: no limit" }),
    otherwise: z
      .enum(["yes", "no"])
      .optional()
      .meta({ title: "Otherwise", description: "The answer when nobody gave one in time; default no" }),
  })
  .meta({ title: "Approve", description: "A person says yes or no to each record" });
export type ApproveStep = z.output<typeof approveSchema>;
