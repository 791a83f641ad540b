import { type Draft, readDraft } from "../../engine/flow/read-draft.ts";
import { publishProblems, validateFlow } from "../../engine/flow/validate.ts";
import type { FlowWorld, Problem } from "../../engine/steps/define-step.ts";
import { worldFor } from "../connections/open-connection.ts";
import type { ServerContext } from "../context.ts";
import type { Validation } from "../trpc/contract.ts";
import { connectionsOf } from "./read-document.ts";

export type Validated = { draft: Draft; world: FlowWorld; validation: Validation };

/**
 * What of a document must be mended before it is published, and the fields at every point of it. Asks the connections it
 * names; stores nothing. Never throws for the document's sake.
 */
export async function validateDocument(ctx: ServerContext, document: unknown): Promise<Validated> {
  const draft = readDraft(document);
  const world = await worldFor(ctx, connectionsOf(document));
  const broken = draft.broken.map(({ id }) => id);
  const { notes, shapes } = validateFlow(draft.flow, world, { broken });
  const problems = [...draft.problems, ...publishProblems(draft.flow, world, { broken })];
  return { draft, world, validation: { problems, notes, shapes } };
}

/** Only what prevents publishing. */
export async function publishProblemsOf(ctx: ServerContext, document: unknown): Promise<Problem[]> {
  const draft = readDraft(document);
  const world = await worldFor(ctx, connectionsOf(document));
  const broken = draft.broken.map(({ id }) => id);
  return [...draft.problems, ...publishProblems(draft.flow, world, { broken })];
}
