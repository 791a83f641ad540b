import type { ServerContext } from "../context.ts";

export type TopicItem = {
  topic: string;
  /** published flows that listen */
  flows: { id: string; name: string; types: string[] | null }[];
  /** subscribers outside */
  subscriptions: number;
  /** events of the last days, and when the newest came */
  events: number;
  lastAt: string | null;
};

type Row = Omit<TopicItem, "lastAt"> & { lastAt: Date | null };

/** Topics that something listens to, that published flows name or that had events lately, by name. */
export async function listTopics({ pool, workspaceId }: ServerContext): Promise<TopicItem[]> {
  const { rows } = await pool.query<Row>(
    `WITH names AS (SELECT topic FROM topic_flow WHERE workspace_id = $1 UNION SELECT topic FROM topic_subscription WHERE workspace_id = $1
       UNION SELECT s->>'topic' FROM flow f JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
         CROSS JOIN LATERAL jsonb_array_elements(v.document->'steps') s
         WHERE f.workspace_id = $1 AND f.deleted_at IS NULL AND s->>'kind' = 'publish' AND s->>'topic' <> ''
       UNION SELECT topic FROM topic_event WHERE workspace_id = $1)
     SELECT n.topic, coalesce(f.flows, '[]') AS flows, (SELECT count(*)::int FROM topic_subscription s WHERE s.workspace_id = $1 AND s.topic = n.topic) AS subscriptions,
       e.events, e."lastAt"
     FROM names n
     LEFT JOIN LATERAL (SELECT json_agg(json_build_object('id', fl.id, 'name', fl.name, 'types', t.types) ORDER BY fl.name) AS flows
       FROM topic_flow t JOIN flow fl ON fl.id = t.flow_id WHERE t.workspace_id = $1 AND t.topic = n.topic) f ON true
     LEFT JOIN LATERAL (SELECT count(*)::int AS events, max(at) AS "lastAt" FROM topic_event WHERE workspace_id = $1 AND topic = n.topic) e ON true
     ORDER BY n.topic`,
    [workspaceId],
  );
  return rows.map(({ lastAt, ...row }) => ({ ...row, lastAt: lastAt?.toISOString() ?? null }));
}
