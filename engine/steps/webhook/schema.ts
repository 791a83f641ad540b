import { z } from "zod";
import { FIELD_TYPES } from "../../mapping/types.ts";
import { duration, fieldPath, stepBase } from "../step-schema.ts";

/** A field that events carry, as the flow's author declares it. */
export const declaredField = z
  .strictObject({
    name: z.string().min(1).max(200).meta({ title: "Name" }),
    type: z.enum(FIELD_TYPES).default("any").meta({ title: "Type" }),
    title: z.string().max(200).optional().meta({ title: "Title" }),
    nullable: z.boolean().optional().meta({ title: "May be empty" }),
    required: z.boolean().optional().meta({ title: "Required" }),
    maxLength: z.int().min(1).optional().meta({ title: "Longest text" }),
    get fields() {
      return z.array(declaredField).max(500).optional().meta({ title: "Fields", description: "Of a record or list" });
    },
  })
  .meta({ title: "Field" });

const sampleRecord = z.record(z.string(), z.json());

export const SIGNATURE_SCHEMES = ["none", "standard-webhooks", "github", "stripe", "shopify"] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Longest time a sender is kept waiting for an answer. */
export const LONGEST_ANSWER_MS = 60_000;

export const webhookSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("webhook"),
    fields: z
      .array(declaredField)
      .max(2_000)
      .optional()
      .meta({ title: "Fields", description: "What events carry; absent: learnt from the events that arrive" }),
    sample: z
      .union([sampleRecord, z.array(sampleRecord).max(100)])
      .optional()
      .meta({ title: "Sample", description: "An event as it arrives; fields are taken from it" }),
    eventId: fieldPath.optional().meta({
      title: "Event id",
      description:
        "Header or field (order.id) that identifies an event, so that a repeat is harmless; default: the header webhook-id, or what the signature's sender uses",
    }),
    signature: z
      .strictObject({ scheme: z.enum(SIGNATURE_SCHEMES).meta({ title: "Scheme" }) })
      .optional()
      .meta({ title: "Signature", description: "How senders prove who they are. The secret is kept apart, encrypted" }),
    wait: z.boolean().optional().meta({
      title: "Answer with the result",
      description: "The sender waits and gets the mapped record, or the error",
    }),
    timeout: duration.optional().meta({
      title: "Wait at most",
      description: "Then the sender gets 202 and the event goes on; default 10s, up to 60s",
    }),
  })
  .meta({ title: "Webhook", description: "Trigger: another system sends events to the flow's address" });
export type WebhookStep = z.output<typeof webhookSchema>;
