import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { LeftRecorders, Ok } from "../api/schemas.ts";
import { AnyId } from "../db/storable.ts";
import { PageQuery, pageOfWhole, pageSchema } from "../paging.ts";
import { FlowItemSchema, ProblemSchema, SavedSchema, StateSchema, showFlow, VersionSchema } from "./api-schemas.ts";
import { createFlow } from "./create-flow.ts";
import { readYaml, writeYaml } from "./document-text.ts";
import { flowState } from "./flow-state.ts";
import { storedFlow } from "./get-flow.ts";
import { getVersion } from "./get-version.ts";
import { listFlows } from "./list-flows.ts";
import { listVersions } from "./list-versions.ts";
import { pauseFlow } from "./pause-flow.ts";
import { PublishNote, publishFlow } from "./publish-flow.ts";
import { FlowDocument, readDocument } from "./read-document.ts";
import { removeFlow } from "./remove-flow.ts";
import { resumeFlow } from "./resume-flow.ts";
import { saveDraft } from "./save-draft.ts";
import { validateDocument } from "./validate-document.ts";

const ById = z.object({ id: AnyId });
const ByVersion = ById.extend({ version: z.coerce.number().int().min(1).max(1_000_000_000) });
const yaml = { read: readYaml, write: writeYaml };

export const flowRoutes = [
  defineRoute({
    method: "GET",
    path: "/flows",
    summary: "List flows by name",
    role: "viewer",
    query: PageQuery,
    response: pageSchema(FlowItemSchema),
    async handle(ctx, { query }) {
      const page = pageOfWhole(await listFlows(ctx), query, ({ name, id }) => [name.toLowerCase(), id]);
      return { ...page, items: page.items.map(showFlow) };
    },
  }),
  defineRoute({
    method: "POST",
    path: "/flows",
    summary: "Create a flow",
    description: "Takes JSON or YAML. A document with problems is kept as a draft as it came; the answer names them.",
    role: "builder",
    status: 201,
    body: FlowDocument,
    yaml: { read: readYaml },
    response: SavedSchema,
    async handle(ctx, { body }) {
      const { id, revision, problems } = await createFlow(ctx, body);
      return { id, revision, problems };
    },
  }),
  defineRoute({
    method: "POST",
    path: "/flows/validate",
    summary: "Say what is wrong with a flow document, without storing it",
    role: "viewer",
    body: FlowDocument,
    yaml: { read: readYaml },
    response: z.object({ problems: z.array(ProblemSchema) }),
    async handle(ctx, { body }) {
      const { validation } = await validateDocument(ctx, readDocument(body));
      return { problems: validation.problems };
    },
  }),
  defineRoute({
    method: "GET",
    path: "/flows/:id",
    summary: "Get a flow's document (the draft)",
    description: "As JSON, or as YAML with `Accept: application/yaml`.",
    role: "viewer",
    params: ById,
    yaml,
    response: FlowDocument,
    handle: async (ctx, { params }) => (await storedFlow(ctx, params.id)).document,
  }),
  defineRoute({
    method: "PUT",
    path: "/flows/:id",
    summary: "Replace a flow's draft",
    description:
      "Takes JSON or YAML. The last write wins, unless `If-Match` or `?revision=` names the revision this edit started from.",
    role: "builder",
    params: ById,
    query: z.object({ revision: z.coerce.number().int().optional() }),
    body: FlowDocument,
    yaml: { read: readYaml },
    response: SavedSchema,
    failures: { "stale-draft": 409 },
    async handle(ctx, { params, query, body, ifMatch }) {
      const revision = query.revision ?? revisionOf(ifMatch);
      const { problems, ...saved } = await saveDraft(ctx, { flowId: params.id, document: body, revision });
      return { id: params.id, revision: saved.revision, problems };
    },
  }),
  defineRoute({
    method: "DELETE",
    path: "/flows/:id",
    summary: "Remove a flow",
    description: "Its runs, its changes and its versions stay; runs that are waiting are cancelled.",
    role: "admin",
    params: ById,
    response: Ok.extend({ recorders: LeftRecorders }),
    handle: (ctx, { params }) => removeFlow(ctx, params.id),
  }),
  defineRoute({
    method: "POST",
    path: "/flows/:id/publish",
    summary: "Publish the draft as the next version",
    role: "builder",
    params: ById,
    body: z.object({ note: PublishNote, revision: z.number().int().optional() }),
    response: z.object({
      version: z.number().int(),
      revision: z.number().int(),
      hook: z.string().optional(),
      recorders: LeftRecorders,
    }),
    failures: { "has-problems": 422, "stale-draft": 409 },
    example: { body: { note: "First version" }, response: { version: 1, revision: 2 } },
    handle: (ctx, { params, body }) => publishFlow(ctx, { ...body, flowId: params.id }),
  }),
  defineRoute({
    method: "POST",
    path: "/flows/:id/pause",
    summary: "Stop a flow",
    description:
      "Its schedule rests and its live runs halt at the next page, or within seconds in the middle of a long one, until it is resumed.",
    role: "operator",
    params: ById,
    response: z.object({ paused: z.boolean() }),
    handle: (ctx, { params }) => pauseFlow(ctx, params.id),
  }),
  defineRoute({
    method: "POST",
    path: "/flows/:id/resume",
    summary: "Let a stopped flow go on",
    role: "operator",
    params: ById,
    response: z.object({ paused: z.boolean() }),
    handle: (ctx, { params }) => resumeFlow(ctx, params.id),
  }),
  defineRoute({
    method: "GET",
    path: "/flows/:id/state",
    summary: "What runs of a flow, and how its draft stands",
    role: "viewer",
    params: ById,
    response: StateSchema,
    handle: (ctx, { params }) => flowState(ctx, params.id),
  }),
  defineRoute({
    method: "GET",
    path: "/flows/:id/versions",
    summary: "List published versions, newest first",
    role: "viewer",
    params: ById,
    query: PageQuery,
    response: pageSchema(VersionSchema),
    handle: async (ctx, { params, query }) =>
      pageOfWhole(await listVersions(ctx, params.id), query, ({ version }) => [-version]),
  }),
  defineRoute({
    method: "GET",
    path: "/flows/:id/versions/:version",
    summary: "Get the document of a published version",
    role: "viewer",
    params: ByVersion,
    yaml,
    response: FlowDocument,
    handle: async (ctx, { params: { id, version } }) => (await getVersion(ctx, { flowId: id, version })).document,
  }),
];

/** `If-Match: "3"`; anything else means no revision of ours, so it never matches. */
function revisionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === "*") return undefined;
  const [, number] = ifMatch.match(/^\s*(?:W\/)?"?(\d{1,9})"?\s*$/) ?? [];
  return number === undefined ? -1 : Number(number);
}
