import type { ServerContext } from "../context.ts";
import { hookSecretState } from "../intake/flow-secrets.ts";
import type { Watching } from "../trpc/contract/flows.ts";
import { storedFlow } from "./get-flow.ts";
import { hookOf, stepsOf } from "./read-document.ts";
import { publishProblemsOf } from "./validate-document.ts";

export type FlowState = {
  /** number of the version that runs; null before the first is published */
  live: number | null;
  draft: { revision: number; changed: boolean; problems: number };
  paused: boolean;
  /** why it stopped by itself; absent when a person stopped it */
  pausedReason?: string;
  hook?: string;
  /** of a webhook that only takes signed events: whether its secret is set */
  signature?: { scheme: string; secretSet: boolean };
  nextRunAt: string | null;
  /** of a flow that follows changes: whether they are recorded; null before anybody looked */
  watching?: Watching;
};

/**
 * What runs of a flow, how its draft differs, and when it starts next.
 *
 * @throws NotFound no such flow
 */
export async function flowState(ctx: ServerContext, flowId: string): Promise<FlowState> {
  const flow = await storedFlow(ctx, flowId);
  const problems = await publishProblemsOf(ctx, flow.document, flowId);
  const hook = hookOf(flow.liveDocument ?? flow.document, flow.hookKey);
  return {
    live: flow.liveVersion,
    draft: { revision: flow.revision, changed: flow.changed, problems: problems.length },
    paused: flow.paused,
    ...(flow.pausedReason === null ? {} : { pausedReason: flow.pausedReason }),
    ...(hook === undefined ? {} : { hook }),
    ...(await signatureOf(ctx, flowId, flow.liveDocument ?? flow.document)),
    ...(flow.watching === null ? {} : { watching: flow.watching }),
    nextRunAt: flow.nextRunAt?.toISOString() ?? null,
  };
}

async function signatureOf(
  ctx: ServerContext,
  flowId: string,
  document: unknown,
): Promise<Pick<FlowState, "signature">> {
  const step = stepsOf(document).find(({ kind }) => kind === "webhook") as
    | { signature?: { scheme?: unknown } }
    | undefined;
  const scheme = step?.signature?.scheme;
  if (typeof scheme !== "string" || scheme === "none") return {};
  return { signature: { scheme, secretSet: (await hookSecretState(ctx, flowId)).set } };
}
