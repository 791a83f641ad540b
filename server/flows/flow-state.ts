import type { ServerContext } from "../context.ts";
import { storedFlow } from "./get-flow.ts";
import { hookOf } from "./read-document.ts";
import { publishProblemsOf } from "./validate-document.ts";

export type FlowState = {
  /** number of the version that runs; null before the first is published */
  live: number | null;
  draft: { revision: number; changed: boolean; problems: number };
  paused: boolean;
  hook?: string;
  nextRunAt: string | null;
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
    ...(hook === undefined ? {} : { hook }),
    nextRunAt: flow.nextRunAt?.toISOString() ?? null,
  };
}
