/** The flow document (DESIGN §3): the one public, versioned form of a flow. */
import { z } from "zod";
import { approveSchema } from "../steps/approve/schema.ts";
import { branchSchema } from "../steps/branch/schema.ts";
import { checkSchema } from "../steps/check/schema.ts";
import { collectSchema } from "../steps/collect/schema.ts";
import { dedupeSchema } from "../steps/dedupe/schema.ts";
import { eventSchema } from "../steps/event/schema.ts";
import { filterSchema } from "../steps/filter/schema.ts";
import { lookupSchema } from "../steps/lookup/schema.ts";
import { mapSchema } from "../steps/map/schema.ts";
import { publishSchema } from "../steps/publish/schema.ts";
import { readSchema } from "../steps/read/schema.ts";
import { splitSchema } from "../steps/split/schema.ts";
import { duration, fieldPath, portName, stepId, timeZone } from "../steps/step-schema.ts";
import { waitSchema } from "../steps/wait/schema.ts";
import { webhookSchema } from "../steps/webhook/schema.ts";
import { writeSchema } from "../steps/write/schema.ts";

export const FORMAT = "plumbline/1";

/** Schema of each step kind, in the order of the palette. */
export const stepSchemas = {
  read: readSchema,
  webhook: webhookSchema,
  event: eventSchema,
  check: checkSchema,
  filter: filterSchema,
  branch: branchSchema,
  map: mapSchema,
  lookup: lookupSchema,
  dedupe: dedupeSchema,
  split: splitSchema,
  collect: collectSchema,
  wait: waitSchema,
  approve: approveSchema,
  write: writeSchema,
  publish: publishSchema,
} as const;
export type StepKind = keyof typeof stepSchemas;

export const stepSchema = z.discriminatedUnion("kind", [
  readSchema,
  webhookSchema,
  eventSchema,
  checkSchema,
  filterSchema,
  branchSchema,
  mapSchema,
  lookupSchema,
  dedupeSchema,
  splitSchema,
  collectSchema,
  waitSchema,
  approveSchema,
  writeSchema,
  publishSchema,
]);
export type Step = z.output<typeof stepSchema>;

const line = (title: string, description: string) => z.string().max(2_000).optional().meta({ title, description });

export const briefSchema = z
  .strictObject({
    moves: line("What moves", "Which records, from where to where"),
    direction: line("Direction", "one-way, or both ways and who wins"),
    timing: line("Timing", "real-time, every hour, by hand, …"),
    onFailure: line("On failure", "What happens to a record or run that fails"),
    owner: line("Owner", "Who watches it: an e-mail address"),
    rollback: line("Rollback", "How it is undone"),
  })
  .meta({ title: "Brief", description: "All six are required to publish" });
export const BRIEF_FIELDS = ["moves", "direction", "timing", "onFailure", "owner", "rollback"] as const;

export const assumptionSchema = z
  .strictObject({
    text: z.string().min(1).max(2_000).meta({ title: "Text" }),
    by: z.string().max(320).optional().meta({ title: "By", description: "Who assumes it" }),
    on: z.iso.date({ error: "expected a date such as 2026-11-23" }).optional().meta({ title: "On" }),
  })
  .meta({ title: "Assumption", description: "What the flow relies on and cannot check" });

export const linkSchema = z
  .strictObject({
    from: stepId.meta({ title: "From", description: "Step id" }),
    to: stepId.meta({ title: "To", description: "Step id" }),
    port: portName.optional().meta({ title: "Port", description: "Out-port of “from”; absent: its plain port “out”" }),
  })
  .meta({ title: "Link" });
export type Link = z.output<typeof linkSchema>;

export const settingsSchema = z
  .strictObject({
    retry: z
      .strictObject({
        attempts: z
          .int()
          .min(1)
          .max(1_000)
          .optional()
          .meta({ title: "Attempts", description: "Most tries, the first among them" }),
        for: duration.optional().meta({ title: "For", description: "Longest time to keep trying" }),
      })
      .optional()
      .meta({ title: "Retry", description: "After a failure that may pass by itself" }),
    order: z
      .enum(["by-key", "none"])
      .optional()
      .meta({ title: "Order", description: "by-key: records of one key stay in order" }),
    key: fieldPath
      .optional()
      .meta({ title: "Key", description: "Field of the incoming record that order: by-key keeps in order" }),
    stopAt: z
      .strictObject({
        dead: z
          .union([z.int().min(1), z.string().regex(/^(100|[1-9]?[0-9])(\.[0-9]+)?%$/)], {
            error: 'expected a number of records, or a share such as "20%"',
          })
          .refine(
            (limit) => typeof limit === "number" || (Number.parseFloat(limit) > 0 && Number.parseFloat(limit) <= 100),
            {
              error: 'expected a share above 0% and up to 100%, such as "20%"',
            },
          )
          .optional()
          .meta({ title: "Dead letters", description: 'Number of records, or share of those read: "20%"' }),
      })
      .optional()
      .meta({ title: "Stop at", description: "Stops a run that fails too much; absent: never" }),
    overlap: z
      .enum(["skip", "queue"])
      .optional()
      .meta({ title: "Overlap", description: "When the time has come and a run is still going: skip it or queue it" }),
    timeZone: timeZone.optional(),
    pageSize: z.int().min(1).max(20_000).optional().meta({ title: "Page size", description: "Records per page" }),
  })
  .meta({ title: "Settings" });

export const positionSchema = z
  .tuple([z.number().min(-1e7).max(1e7), z.number().min(-1e7).max(1e7)], {
    error: "expected a position such as [0, 120]",
  })
  .meta({ title: "Position", description: "x and y on the canvas" });

export const flowSchema = z
  .strictObject({
    format: z.literal(FORMAT).meta({ title: "Format" }),
    name: z.string().min(1).max(200).meta({ title: "Name" }),
    brief: briefSchema.optional(),
    assumptions: z.array(assumptionSchema).max(500).optional().meta({ title: "Assumptions" }),
    steps: z.array(stepSchema).max(2_000).default([]).meta({ title: "Steps" }),
    links: z.array(linkSchema).max(20_000).default([]).meta({ title: "Links" }),
    settings: settingsSchema.optional(),
    layout: z
      .record(stepId, positionSchema)
      .optional()
      .meta({ title: "Layout", description: "Where each step stands; everything else is meaning" }),
  })
  .meta({ title: "Plumbline flow", description: "The public, versioned form of a flow. JSON or YAML." });
export type Flow = z.output<typeof flowSchema>;
/** `stopAt` of a flow of events: it looks at so many of its last events, since the condition struck the last time. */
export const EVENTS_WATCHED = 1_000;

export type FlowSettings = NonNullable<Flow["settings"]>;
