import { z } from "zod";
import { stepBase } from "../step-schema.ts";
import { eventType, topicName } from "../topic.ts";
import { declaredField } from "../webhook/schema.ts";

const sampleRecord = z.record(z.string(), z.json());

export const eventSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("event"),
    topic: topicName,
    types: z
      .array(eventType)
      .min(1)
      .max(100)
      .optional()
      .meta({ title: "Types", description: "Only events of these types; absent: all of the topic" }),
    attributes: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ title: "Attributes", description: "Field that gets the event's id, source, type, subject and time" }),
    fields: z
      .array(declaredField)
      .max(2_000)
      .optional()
      .meta({ title: "Fields", description: "What events carry; absent: learnt from the events that arrive" }),
    sample: z
      .union([sampleRecord, z.array(sampleRecord).max(100)])
      .optional()
      .meta({ title: "Sample", description: "Data of an event; fields are taken from it" }),
  })
  .meta({ title: "Event", description: "Trigger: an event of a topic, published by another flow or from outside" });
export type EventStep = z.output<typeof eventSchema>;
