import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { AnyId } from "../db/storable.ts";
import { PageQuery, pageSchema } from "../paging.ts";
import { ChangeSchema, RunDetailSchema, RunSchema, showRun } from "./api-schemas.ts";
import { cancelRun } from "./cancel-run.ts";
import { getRun } from "./get-run.ts";
import { ListChanges, listChanges } from "./list-changes.ts";
import { ListCovered, listCovered } from "./list-covered.ts";
import { ListRuns, listRuns } from "./list-runs.ts";
import { RunOptions, startRun } from "./start-run.ts";
import { UndoOptions, undoRun } from "./undo-run.ts";
import { UndoSinceOptions, undoSince } from "./undo-since.ts";

const ById = z.object({ id: AnyId });
const NewRun = z.object({ id: z.string().describe("The run") });

export const runRoutes = [
  defineRoute({
    method: "POST",
    path: "/flows/:id/runs",
    summary: "Start a run",
    description:
      "A live run runs the published version, a dry run foresees what the draft would do and writes nothing anywhere.",
    role: "builder",
    status: 202,
    params: ById,
    body: RunOptions,
    response: NewRun,
    failures: { "not-published": 409, paused: 409, "waits-for-events": 422, "no-range": 422 },
    example: { body: { mode: "dry", limit: 100 }, response: { id: "17" } },
    handle: (ctx, { params, body }) => startRun(ctx, { ...body, flowId: params.id }),
  }),
  defineRoute({
    method: "GET",
    path: "/runs",
    summary: "List runs, newest first",
    role: "viewer",
    query: PageQuery.extend({
      flow: ListRuns.shape.flowId,
      state: ListRuns.shape.state,
      kind: ListRuns.shape.kind,
      cursor: ListRuns.shape.cursor,
    }),
    response: pageSchema(RunSchema),
    async handle(ctx, { query: { flow, ...query } }) {
      const { items, next } = await listRuns(ctx, { ...query, flowId: flow });
      return { items: items.map(showRun), next };
    },
  }),
  defineRoute({
    method: "GET",
    path: "/runs/:id",
    summary: "Get a run with its counts",
    role: "viewer",
    params: ById,
    response: RunDetailSchema,
    async handle(ctx, { params }) {
      const { run, steps, balanced } = await getRun(ctx, params.id);
      return { ...showRun(run), balanced, steps };
    },
  }),
  defineRoute({
    method: "GET",
    path: "/runs/:id/changes",
    summary: "List what a run changed",
    description:
      "Oldest first, field by field; for a dry run what would change. Of an undo, records that were left are among them, with the reason; refused=true gives only those, false only the others.",
    role: "viewer",
    params: ById,
    query: PageQuery.extend({
      operation: ListChanges.shape.operation,
      cursor: ListChanges.shape.cursor,
      refused: z.stringbool({ truthy: ["true"], falsy: ["false"] }).optional(),
    }),
    response: pageSchema(ChangeSchema),
    handle: (ctx, { params, query }) => listChanges(ctx, { ...query, runId: params.id }),
  }),
  defineRoute({
    method: "GET",
    path: "/runs/:id/covered",
    summary: "List the runs an undo since a moment covers",
    description:
      "Newest first: the live runs of the flow that began at that moment or later and wrote something. An earlier undo among them is put back as well.",
    role: "viewer",
    params: ById,
    query: PageQuery.extend({ cursor: ListCovered.shape.cursor }),
    response: pageSchema(RunSchema),
    async handle(ctx, { params, query }) {
      const { items, next } = await listCovered(ctx, { ...query, runId: params.id });
      return { items: items.map(showRun), next };
    },
  }),
  defineRoute({
    method: "POST",
    path: "/runs/:id/cancel",
    summary: "Cancel a run",
    description:
      "A run that has not begun or waits ends at once, one at work at its next page, or within seconds in the middle of a long one. Of a run that has ended, records that wait as the flow asks (`wait`) do not go on any more.",
    role: "operator",
    params: ById,
    response: z.object({
      ok: z.literal(true),
      state: z.string(),
      cancelled: z.number().int().optional().describe("Of an ended run: how many records wait no more"),
    }),
    failures: { "run-finished": 409 },
    handle: (ctx, { params }) => cancelRun(ctx, params.id),
  }),
  defineRoute({
    method: "POST",
    path: "/runs/:id/undo",
    summary: "Undo a run",
    description:
      "Puts back what the run changed, as a run of its own. A record someone changed since is a conflict and stays as it is, unless onConflict is force. With preview nothing is written.",
    role: "operator",
    status: 202,
    params: ById,
    body: UndoOptions.optional().transform((body) => body ?? UndoOptions.parse({})),
    response: NewRun,
    failures: {
      "dry-run": 409,
      "run-not-finished": 409,
      "undo-running": 409,
      "nothing-to-undo": 409,
      "records-not-in-run": 404,
    },
    example: { body: { preview: true, onConflict: "skip" }, response: { id: "18" } },
    handle: (ctx, { params, body }) => undoRun(ctx, { ...body, runId: params.id }),
  }),
  defineRoute({
    method: "POST",
    path: "/flows/:id/undo",
    summary: "Undo all runs of a flow since a moment",
    description:
      "Puts back what live runs that began at that moment or later changed, replays and undos among them, as a run of its own: each record goes back to what it was before the first of these writes. A record someone changed since is a conflict and stays as it is, one changed in between goes back no further than that, unless onConflict is force. With preview nothing is written.",
    role: "operator",
    status: 202,
    params: ById,
    body: UndoSinceOptions,
    response: NewRun,
    failures: { "run-not-finished": 409, "nothing-to-undo": 409, "too-long-ago": 422 },
    example: { body: { since: "2026-11-28T08:00:00Z", preview: true, onConflict: "skip" }, response: { id: "19" } },
    handle: (ctx, { params, body }) => undoSince(ctx, { ...body, flowId: params.id }),
  }),
];
