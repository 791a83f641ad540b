import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { FlowWorld } from "../../engine/steps/define-step.ts";
import type { ServerContext } from "../context.ts";
import { stepsOf } from "../flows/read-document.ts";
import { learntFields, newestRecords } from "./learn-fields.ts";

/** The world with what the flow's events taught: the fields its trigger gives. */
export async function withLearnt(
  { pool, workspaceId }: ServerContext,
  world: FlowWorld,
  document: unknown,
  flowId: string | undefined,
): Promise<FlowWorld> {
  const webhook = stepsOf(document).find(({ kind }) => kind === "webhook" || kind === "event");
  if (flowId === undefined || typeof webhook?.id !== "string") return world;
  const fields = await learntFields(pool, { flowId, workspaceId });
  return fields === undefined ? world : { ...world, learnt: new Map([...(world.learnt ?? []), [webhook.id, fields]]) };
}

/** Records to preview a webhook flow with: the newest events, else the step's sample. */
export async function eventSample(
  { pool, workspaceId }: Pick<ServerContext, "pool" | "workspaceId">,
  step: { sample?: unknown },
  flowId: string | undefined,
  limit: number,
): Promise<JsonRecord[]> {
  const records = flowId === undefined ? [] : await newestRecords(pool, { flowId, workspaceId }, limit);
  if (records.length > 0 || step.sample === undefined) return records;
  return (Array.isArray(step.sample) ? step.sample : [step.sample]).slice(0, limit) as JsonRecord[];
}
