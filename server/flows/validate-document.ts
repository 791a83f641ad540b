import { type Draft, readDraft } from "../../engine/flow/read-draft.ts";
import { publishProblems, validateFlow } from "../../engine/flow/validate.ts";
import type { FlowWorld, Problem } from "../../engine/steps/define-step.ts";
import { worldFor } from "../connections/open-connection.ts";
import type { ServerContext } from "../context.ts";
import { withLearnt } from "../events/learnt-world.ts";
import { withListeners } from "../topics/listeners.ts";
import type { Validation } from "../trpc/contract/flows.ts";
import { connectionsOf } from "./read-document.ts";

export type Validated = { draft: Draft; world: FlowWorld; validation: Validation };

/**
 * What of a document must be mended before it is published, and the fields at every point of it. Asks the connections it
 * names, again when what is remembered of them leaves problems; stores nothing. Never throws for the document's sake.
 *
 * @param flowId the flow it is of, if any: its events tell what fields a webhook brings
 */
export async function validateDocument(ctx: ServerContext, document: unknown, flowId?: string): Promise<Validated> {
  const draft = readDraft(document);
  const { world, problems } = await judge(ctx, document, draft, flowId);
  const { notes, shapes } = validateFlow(draft.flow, world, { broken: brokenOf(draft) });
  return { draft, world, validation: { problems, notes, shapes } };
}

/** Only what prevents publishing. */
export async function publishProblemsOf(ctx: ServerContext, document: unknown, flowId?: string): Promise<Problem[]> {
  return (await judge(ctx, document, readDraft(document), flowId)).problems;
}

async function judge(ctx: ServerContext, document: unknown, draft: Draft, flowId: string | undefined) {
  const judged = async (doubt: boolean) => {
    const connected = await worldFor(ctx, connectionsOf(document), { doubt });
    const world = await withListeners(ctx, await withLearnt(ctx, connected, document, flowId), document, flowId);
    return { world, problems: publishProblems(draft.flow, world, { broken: brokenOf(draft) }) };
  };
  let found = await judged(false);
  if (found.problems.length > 0) found = await judged(true);
  return { world: found.world, problems: [...draft.problems, ...found.problems] };
}

const brokenOf = (draft: Draft) => draft.broken.map(({ id }) => id);
