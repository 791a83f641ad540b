/** What the REST interface takes and gives of flows. */
import { z } from "zod";
import type { FlowSummary } from "../trpc/contract/flows.ts";

export const ProblemSchema = z
  .object({
    step: z.string().describe("Step id; empty for what belongs to the whole flow"),
    field: z.string().optional(),
    message: z.string().describe("What was expected, what was found, where"),
    remedy: z.string().describe("What to do next"),
  })
  .meta({ id: "Problem" });

export const SavedSchema = z.object({
  id: z.string(),
  revision: z.number().int().describe("Send it as If-Match or ?revision= with the next PUT to not overwrite others"),
  problems: z.array(ProblemSchema).describe("To be mended before it can be published"),
});

export const FlowItemSchema = z.object({
  id: z.string(),
  name: z.string(),
  health: z.enum(["ok", "running", "attention", "waiting", "paused", "draft"]),
  healthText: z.string(),
  live: z.number().int().nullable(),
  draftChanged: z.boolean(),
  paused: z.boolean(),
  stoppedItself: z.boolean().describe("It is paused because it stopped by itself: too much failed"),
  timing: z.string(),
  connections: z.array(z.string()),
  nextRunAt: z.iso.datetime().nullable(),
  lastRun: z.string().nullable(),
  openLetters: z.number().int(),
  updatedAt: z.iso.datetime(),
});

export const StateSchema = z.object({
  live: z.number().int().nullable().describe("Version that runs; null before the first is published"),
  draft: z.object({ revision: z.number().int(), changed: z.boolean(), problems: z.number().int() }),
  paused: z.boolean(),
  pausedReason: z.string().optional().describe("Why it stopped by itself; absent when a person stopped it."),
  hook: z.string().optional().describe("Where events for the flow are sent"),
  signature: z
    .object({ scheme: z.string(), secretSet: z.boolean() })
    .optional()
    .describe("Of a webhook that only takes signed events"),
  watching: z
    .object({ live: z.boolean().nullable(), note: z.string().nullable() })
    .optional()
    .describe("Of a flow that follows changes: whether they are recorded (null: not known yet), else why not"),
  nextRunAt: z.iso.datetime().nullable(),
});

export const VersionSchema = z.object({
  version: z.number().int(),
  note: z.string(),
  publishedAt: z.iso.datetime(),
  publishedBy: z.string(),
  changes: z.array(z.string()),
});

export function showFlow({ liveVersion, lastRun, ...flow }: FlowSummary): z.output<typeof FlowItemSchema> {
  return { ...flow, live: liveVersion, lastRun: lastRun?.id ?? null };
}
