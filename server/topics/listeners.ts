import { readDraft } from "../../engine/flow/read-draft.ts";
import { topicLoops } from "../../engine/flow/topic-loops.ts";
import type { FlowWorld, Listener, Problem } from "../../engine/steps/define-step.ts";
import { PLAIN_TYPE } from "../../engine/steps/topic.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { stepsOf } from "../flows/read-document.ts";

type Row = { name: string; topic: string; types: string[] | null; document: unknown };
type Asked = { db: Pick<Tx, "$queryRaw">; workspaceId: string };

/** The world with the other published flows that listen to topics, so that a loop of events is seen. */
export async function withListeners(
  { db, workspaceId }: Pick<ServerContext, "db" | "workspaceId">,
  world: FlowWorld,
  document: unknown,
  flowId: string | undefined,
): Promise<FlowWorld> {
  if (!handsOn(document)) return world;
  return { ...world, listeners: await listenersBeside({ db, workspaceId }, flowId) };
}

/** Only flows that hand events of topics on can make a loop. */
function handsOn(document: unknown): boolean {
  const kinds = new Set(stepsOf(document).map(({ kind }) => kind));
  return kinds.has("event") && kinds.has("publish");
}

/**
 * The loops of events a flow would close, judged while no other flow that could is being published: of two that would start
 * each other, published at once, the second sees the first.
 */
export async function loopsClosed(
  tx: Tx,
  { workspaceId }: Pick<ServerContext, "workspaceId">,
  flowId: string,
  document: unknown,
): Promise<Problem[]> {
  if (!handsOn(document)) return [];
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`plumbline topics ${workspaceId}`}, 0))`;
  return topicLoops(readDraft(document).flow, { listeners: await listenersBeside({ db: tx, workspaceId }, flowId) });
}

/** The published flows that listen to topics, without this one. */
export async function listenersBeside({ db, workspaceId }: Asked, flowId: string | undefined): Promise<Listener[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT f.name, t.topic, t.types, v.document FROM topic_flow t JOIN flow f ON f.id = t.flow_id AND f.deleted_at IS NULL
     JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
     WHERE t.workspace_id = ${workspaceId} AND t.flow_id <> ${flowId ?? ""} ORDER BY f.name`;
  return rows.map(({ name, topic, types, document: live }): Listener => {
    const publishes = stepsOf(live).flatMap(({ kind, topic: to, type }) =>
      kind === "publish" && typeof to === "string"
        ? [{ topic: to, type: typeof type === "string" ? type : PLAIN_TYPE }]
        : [],
    );
    return { name, topic, ...(types === null ? {} : { types }), publishes };
  });
}
