import type { FlowWorld, Listener } from "../../engine/steps/define-step.ts";
import { PLAIN_TYPE } from "../../engine/steps/topic.ts";
import type { ServerContext } from "../context.ts";
import { stepsOf } from "../flows/read-document.ts";

type Row = { name: string; topic: string; types: string[] | null; document: unknown };

/** The world with the other published flows that listen to topics, so that a loop of events is seen. */
export async function withListeners(
  { pool, workspaceId }: Pick<ServerContext, "pool" | "workspaceId">,
  world: FlowWorld,
  document: unknown,
  flowId: string | undefined,
): Promise<FlowWorld> {
  const kinds = new Set(stepsOf(document).map(({ kind }) => kind));
  if (!kinds.has("event") || !kinds.has("publish")) return world;
  return { ...world, listeners: await listenersBeside({ pool, workspaceId }, flowId) };
}

/** The published flows that listen to topics, without this one. */
export async function listenersBeside(
  { pool, workspaceId }: Pick<ServerContext, "pool" | "workspaceId">,
  flowId: string | undefined,
): Promise<Listener[]> {
  const { rows } = await pool.query<Row>(
    `SELECT f.name, t.topic, t.types, v.document FROM topic_flow t JOIN flow f ON f.id = t.flow_id AND f.deleted_at IS NULL
     JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
     WHERE t.workspace_id = $1 AND t.flow_id <> $2 ORDER BY f.name`,
    [workspaceId, flowId ?? ""],
  );
  return rows.map(({ name, topic, types, document: live }): Listener => {
    const publishes = stepsOf(live).flatMap(({ kind, topic: to, type }) =>
      kind === "publish" && typeof to === "string"
        ? [{ topic: to, type: typeof type === "string" ? type : PLAIN_TYPE }]
        : [],
    );
    return { name, topic, ...(types === null ? {} : { types }), publishes };
  });
}
