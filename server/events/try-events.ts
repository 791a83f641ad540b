import type { Json } from "../../connectors/sdk/types.ts";
import type { Plan } from "../../engine/flow/compile.ts";
import type { ParkedPage } from "../../engine/run/execute-flow.ts";
import type { ServerContext } from "../context.ts";
import { eventSample } from "./learnt-world.ts";

/** Events a dry run tries when nobody says how many. */
const USUAL = 100;

/** What a dry run of a flow that waits for events reads: its newest events, else the webhook step's sample. One page. */
export async function* eventPages(
  ctx: Pick<ServerContext, "pool" | "workspaceId">,
  { trigger }: Plan,
  { flowId, limit = USUAL, cursor }: { flowId: string; limit?: number; cursor: Json },
): AsyncGenerator<ParkedPage> {
  if (cursor !== null) return; // an earlier attempt has read it
  const records = await eventSample(ctx, trigger.step as { sample?: unknown }, flowId, limit);
  if (records.length > 0) yield { ids: [], records, cursor: records.length };
}
