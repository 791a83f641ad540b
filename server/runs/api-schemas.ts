/** What the REST interface shows of runs and their changes. */
import { z } from "zod";
import { RUN_STATES } from "../../engine/run/states.ts";
import type { RunSummary } from "../trpc/contract/runs.ts";

const Count = z.number().int();

export const CountsSchema = z
  .object({
    read: Count,
    created: Count,
    updated: Count,
    deleted: Count,
    unchanged: Count,
    filtered: Count,
    duplicate: Count,
    dead: Count,
    held: Count,
  })
  .describe("Records by outcome; read is their sum once the run has ended.");
export const UndoCountsSchema = z
  .object({ read: Count, restored: Count, conflict: Count, failed: Count })
  .describe("Of an undo: changes looked at, and what became of them.");

export const RunSchema = z.object({
  id: z.string(),
  state: z.enum(RUN_STATES),
  mode: z.enum(["live", "dry"]),
  kind: z.enum(["flow", "undo", "replay"]),
  flow: z.string(),
  flowName: z.string(),
  version: z.number().int().nullable().describe("null: a dry run of the draft"),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  error: z.object({ code: z.string(), message: z.string(), step: z.string().optional() }).optional(),
  waiting: z
    .object({
      reason: z.string(),
      until: z.iso.datetime().nullable(),
      connectionId: z.string().optional().describe("The connection whose system does not answer"),
      flowStopped: z.literal(true).optional().describe("The flow is stopped; the run goes on when it is resumed"),
    })
    .optional(),
  trigger: z.string(),
  startedBy: z.string(),
  parent: z.string().optional().describe("Of an undo: the run it puts back"),
  since: z.iso.datetime().optional().describe("Of an undo: it puts back all runs of the flow since this moment"),
  counts: z.union([CountsSchema, UndoCountsSchema]),
});
export type RunShown = z.output<typeof RunSchema>;

export const StepCountsSchema = CountsSchema.omit({ read: true }).extend({
  id: z.string(),
  in: Count,
  made: Count.optional().describe("Parts a split made beyond those that came in"),
  out: Count,
  joined: Count.optional().describe("Parts a collect put into another; in + made = out + joined + ended here"),
  ports: z.record(z.string(), Count).describe("Records that left, by port"),
});

export const RunDetailSchema = RunSchema.extend({
  balanced: z.boolean().describe("read = sum of outcomes"),
  steps: z.array(StepCountsSchema),
});

export const ChangeSchema = z.object({
  id: z.string(),
  key: z.string(),
  step: z.string(),
  connection: z.string(),
  sink: z.string(),
  operation: z.enum(["create", "update", "delete"]),
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
  undo: z.enum(["possible", "done", "conflict", "not possible"]),
  at: z.iso.datetime(),
  refusal: z
    .object({
      message: z.string(),
      fields: z
        .array(
          z.object({
            field: z.string(),
            wrote: z.unknown().optional().describe("What the run had written"),
            now: z.unknown().optional().describe("What is there now"),
            old: z.unknown().optional().describe("What it would be put back to"),
          }),
        )
        .describe("Fields that somebody changed since; empty where the record came, went, or the target refuses"),
    })
    .optional()
    .describe(
      "Of an undo: why it left this record as it is (`undo` is then conflict or not possible) or, with possible, that nothing could be compared, `before` being what is there now and `after` what it would be put back to",
    ),
});

export function showRun(run: RunSummary): RunShown {
  return {
    id: run.id,
    state: run.state,
    mode: run.mode,
    kind: run.kind,
    flow: run.flowId,
    flowName: run.flowName,
    version: run.version,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    ...(run.error === null ? {} : { error: run.error }),
    ...(run.waiting === null ? {} : { waiting: run.waiting }),
    trigger: run.trigger,
    startedBy: run.startedBy,
    ...(run.parentId === null ? {} : { parent: run.parentId }),
    ...(run.since === null ? {} : { since: run.since }),
    counts: run.kind === "undo" ? run.undoCounts : run.counts,
  };
}
