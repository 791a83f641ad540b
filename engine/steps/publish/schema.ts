import { z } from "zod";
import { fieldPath, stepBase } from "../step-schema.ts";
import { eventType, topicName } from "../topic.ts";

export const publishSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("publish"),
    topic: topicName,
    type: eventType.optional().meta({ title: "Type", description: "What happened; default: record" }),
    subject: fieldPath
      .optional()
      .meta({ title: "Subject", description: "Field that says what the event is about: order_no" }),
  })
  .meta({ title: "Publish", description: "End: tells other flows and outside subscribers, as an event of a topic" });
export type PublishStep = z.output<typeof publishSchema>;
