import { z } from "zod";
import { duration, fieldPath, stepBase } from "../step-schema.ts";
import { ANSWERING_ROLES, isAnsweringRole } from "./who.ts";

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
      .array(
        z.string().refine((who) => isAnsweringRole(who) || z.email().safeParse(who).success, {
          error: `expected an e-mail address or a role: ${ANSWERING_ROLES.join(", ")}`,
        }),
      )
      .min(1)
      .max(100)
      .optional()
      .meta({
        title: "Who",
        description: "E-mail addresses, or roles (operator, admin), of who may answer beside admins; absent: operators",
      }),
    within: duration.optional().meta({ title: "Within", description: "Time for an answer: 2d; absent: no limit" }),
    otherwise: z
      .enum(["yes", "no"])
      .optional()
      .meta({ title: "Otherwise", description: "The answer when nobody gave one in time; default no" }),
  })
  .meta({ title: "Approve", description: "A person says yes or no to each record" });
export type ApproveStep = z.output<typeof approveSchema>;
