import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { LongPageQuery, pageOfWhole, pageSchema } from "../paging.ts";
import { JourneyOf, journeyOf } from "./journey.ts";

const Values = z.record(z.string(), z.unknown()).nullable();
const JourneySchema = z.object({
  at: z.iso.datetime(),
  flow: z.string(),
  flowName: z.string(),
  run: z.string(),
  step: z.string(),
  event: z
    .string()
    .describe(
      "written, undone, failed, replayed, dismissed, decided (a wait is over, a person answered) or ended (without a write)",
    ),
  before: Values.optional(),
  after: Values.optional(),
  outcome: z.string(),
  reason: z.string().optional().describe("Why it failed, or the note it was dismissed with"),
});

export const recordRoutes = [
  defineRoute({
    method: "GET",
    path: "/records",
    summary: "The journey of a record",
    description: "All that happened to the record with this key, across flows, newest last.",
    role: "viewer",
    query: JourneyOf.extend(LongPageQuery.shape),
    response: pageSchema(JourneySchema),
    handle: async (ctx, { query: { key, ...page } }) =>
      pageOfWhole(await journeyOf(ctx, { key }), page, (_item, index) => [index]),
  }),
];
