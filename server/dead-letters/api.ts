import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { AnyId } from "../db/storable.ts";
import { PageQuery, pageOfWhole, pageSchema } from "../paging.ts";
import type { DeadLetterGroup } from "../trpc/contract/runs.ts";
import { LetterChoice } from "./choose-letters.ts";
import { dismissLetters, Note } from "./dismiss-letters.ts";
import { getLetter } from "./get-letter.ts";
import { listGroups } from "./list-groups.ts";
import { LETTER_STATES, ListLetters, listLetters } from "./list-letters.ts";
import { ReplayOptions, replayLetters } from "./replay-letters.ts";

const LetterSchema = z.object({
  id: z.string(),
  group: z.string(),
  flow: z.string(),
  flowName: z.string(),
  run: z.string(),
  step: z.string(),
  stepTitle: z.string(),
  field: z.string().optional(),
  key: z.string(),
  code: z.string(),
  reason: z.string(),
  data: z.record(z.string(), z.unknown()).describe("The record as it entered the failed step"),
  state: z.enum(LETTER_STATES),
  attempts: z.number().int(),
  parked: z.number().int().describe("Records of the same key that wait behind it (`order: by-key`)"),
  at: z.iso.datetime(),
  firstSeen: z.iso.datetime().describe("When it failed first; `at` is when it failed last"),
  earlierRuns: z.number().int().describe("Runs before `run` that read the same record and failed with it"),
  newer: z
    .object({ run: z.string(), at: z.iso.datetime() })
    .optional()
    .describe("A later run of the flow wrote a record of this key: a replay would put what is older in its place"),
  settledBy: z.string().optional().describe("The run that read the record again and had another outcome for it"),
});
const GroupSchema = z.object({
  id: z.string(),
  count: z.number().int(),
  code: z.string(),
  reason: z.string(),
  step: z.string(),
  field: z.string().optional(),
  flows: z.array(z.string()).describe("Ids of the flows it happens in"),
  firstSeen: z.iso.datetime(),
  lastSeen: z.iso.datetime(),
});
/** `group` is the public name of what screens call `groupId`. */
const Choice = z.object({ ids: LetterChoice.shape.ids, group: LetterChoice.shape.groupId });
const choiceFailures = { "letters-not-found": 404, "letters-not-open": 409 };

export const letterRoutes = [
  defineRoute({
    method: "GET",
    path: "/dead-letters",
    summary: "List dead letters, newest first",
    description:
      "Without a state: those that are open (a letter being replayed has left that list, until it fails again); of a run: all of its letters. A flow that reads a record again which fails again keeps one letter for it: `run`, `reason` and `data` are the newest, `attempts` grows. It is settled when a later run reads the record and has another outcome for it.",
    role: "viewer",
    query: PageQuery.extend({
      flow: ListLetters.shape.flowId,
      group: ListLetters.shape.groupId,
      state: ListLetters.shape.state,
      run: ListLetters.shape.runId,
      cursor: ListLetters.shape.cursor,
    }),
    response: pageSchema(LetterSchema),
    handle: (ctx, { query: { flow, group, run, state, ...query } }) =>
      listLetters(ctx, {
        ...query,
        state: state ?? (run === undefined ? "open" : undefined),
        flowId: flow,
        groupId: group,
        runId: run,
      }),
  }),
  defineRoute({
    method: "GET",
    path: "/dead-letters/groups",
    summary: "List open dead letters by what is wrong with them",
    role: "viewer",
    query: z.object({ flow: AnyId.optional(), limit: PageQuery.shape.limit, cursor: PageQuery.shape.cursor }),
    response: pageSchema(GroupSchema),
    async handle(ctx, { query: { flow, limit, cursor } }) {
      const groups = await listGroups(ctx, { flowId: flow });
      const page = pageOfWhole(groups, { limit, cursor }, ({ count, id }) => [-count, id]);
      return { ...page, items: page.items.map(showGroup) };
    },
  }),
  defineRoute({
    method: "GET",
    path: "/dead-letters/:id",
    summary: "Get a dead letter, with the record as it was read",
    role: "viewer",
    params: z.object({ id: AnyId }),
    response: LetterSchema.extend({ source: z.record(z.string(), z.unknown()) }),
    async handle(ctx, { params }) {
      const { history: _, ...letter } = await getLetter(ctx, params.id);
      return letter;
    },
  }),
  defineRoute({
    method: "POST",
    path: "/dead-letters/replay",
    summary: "Replay dead letters",
    description:
      "Gives records that failed another try, corrected by `patch` where needed. Letters of several flows become one run per flow.",
    role: "operator",
    status: 202,
    body: Choice.extend(ReplayOptions.shape),
    response: z.object({ id: z.string().describe("The (first) replay run"), runs: z.array(z.string()) }),
    failures: { ...choiceFailures, "not-published": 409, paused: 409, "step-gone": 422 },
    example: { body: { ids: ["dl_1"], patch: { email: "ana@example.com" } }, response: { id: "19", runs: ["19"] } },
    handle: (ctx, { body: { group, ...body } }) => replayLetters(ctx, { ...body, groupId: group }),
  }),
  defineRoute({
    method: "POST",
    path: "/dead-letters/dismiss",
    summary: "Dismiss dead letters that need nothing more",
    role: "operator",
    body: Choice.extend({ note: Note }),
    response: z.object({ dismissed: z.number().int() }),
    failures: choiceFailures,
    handle: (ctx, { body: { group, ...body } }) => dismissLetters(ctx, { ...body, groupId: group }),
  }),
];

function showGroup({ flows, ...group }: DeadLetterGroup): z.output<typeof GroupSchema> {
  return { ...group, flows: flows.map(({ id }) => id) };
}
