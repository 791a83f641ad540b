import type { Field } from "../../connectors/sdk/types.ts";
import type { Listener } from "../../engine/steps/define-step.ts";
import type { ServerContext } from "../context.ts";
import { learntFields } from "../events/learn-fields.ts";
import { listenersBeside } from "../topics/listeners.ts";
import { storedFlow } from "./get-flow.ts";

export type EventWorld = {
  /** where its webhook is, or will be once it is published: "/hooks/…" */
  address: string;
  /** what its events carried so far; null before the first */
  learnt: Field[] | null;
  /** the other published flows that start with events of topics */
  listeners: Listener[];
};

/** What the editor needs to judge a flow that starts with events, beside its connections. @throws NotFound */
export async function eventWorld(ctx: ServerContext, flowId: string): Promise<EventWorld> {
  const { pool, workspaceId } = ctx;
  const [flow, learnt, listeners] = await Promise.all([
    storedFlow(ctx, flowId),
    learntFields(pool, { flowId, workspaceId }),
    listenersBeside(ctx, flowId),
  ]);
  return { address: `/hooks/${flow.hookKey}`, learnt: learnt ?? null, listeners };
}
