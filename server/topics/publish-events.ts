/** Hands events of topics to the flows that listen and to subscribers outside, in the caller's transaction. */
import { createHash } from "node:crypto";
import type pg from "pg";
import type { Json } from "../../connectors/sdk/types.ts";
import { storableJson } from "../db/storable.ts";
import { EVENTS_CHANNEL } from "../intake/inbox.ts";

export const TOPICS_CHANNEL = "plumbline_topics";

/** A CloudEvent 1.0 of a topic. `source` and `id` together name it: the same pair is the same event. */
export type TopicEvent = {
  topic: string;
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** ISO 8601 */
  time: string;
  data: Json;
  runId?: string;
};

const LONGEST_ID = 200;
/** What waits is told to at most so many flows by name; the others are found within a second. */
const EVENTS_AT_ONCE = 1_000;

/**
 * One statement per thousand events. An event that was published before is not handed on again; it only counts as a repeat.
 *
 * @param by who publishes, as runs show it: "flow Orders", "token CI"
 * @returns how many of them were new
 */
export async function publishEvents(
  client: pg.Pool | pg.ClientBase,
  workspaceId: string,
  events: readonly TopicEvent[],
  by: string,
): Promise<number> {
  let fresh = 0;
  for (let from = 0; from < events.length; from += EVENTS_AT_ONCE)
    fresh += await publishSome(client, workspaceId, events.slice(from, from + EVENTS_AT_ONCE), by);
  return fresh;
}

// The numbers in inbox_event are given in the order of the events, so each flow has them in that order.
const PUBLISH = `
  WITH given AS (SELECT * FROM ROWS FROM (json_to_recordset($2::json)
      AS (topic text, id text, inbox text, source text, type text, subject text, time timestamptz, data jsonb, run bigint)) WITH ORDINALITY
      AS e(topic, id, inbox, source, type, subject, time, data, run, n)),
  stored AS (
    INSERT INTO topic_event (workspace_id, topic, event_id, source, type, subject, at, data, published_by, run_id)
    SELECT $1, topic, id, source, type, subject, time, data, $3, run FROM given ORDER BY n
    ON CONFLICT (workspace_id, topic, source, event_id) DO NOTHING
    RETURNING id, topic, event_id, source, type, subject, at, data),
  attributes AS (SELECT s.*, g.inbox, jsonb_strip_nulls(jsonb_build_object('id', s.event_id, 'source', s.source, 'type', s.type,
      'subject', s.subject, 'time', to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) AS about
    FROM stored s JOIN given g ON g.topic = s.topic AND g.source = s.source AND g.id = s.event_id),
  inbox AS (
    INSERT INTO inbox_event AS e (flow_id, workspace_id, event_id, content_type, headers, body, sent_by)
    SELECT f.flow_id, $1, a.inbox, 'application/json',
      (SELECT jsonb_object_agg('ce-' || key, value) FROM jsonb_each(a.about)) || jsonb_build_object('ce-topic', a.topic),
      (CASE WHEN f.attributes IS NULL OR jsonb_typeof(a.data) <> 'object' THEN a.data
        ELSE a.data || jsonb_build_object(f.attributes, a.about) END)::text, $3
    FROM attributes a JOIN topic_flow f ON f.workspace_id = $1 AND f.topic = a.topic AND (f.types IS NULL OR a.type = ANY(f.types))
    ORDER BY a.id
    ON CONFLICT (flow_id, event_id) DO UPDATE SET repeats = e.repeats + 1, last_repeat_at = now()
    RETURNING e.id, e.flow_id, xmax = 0 AS fresh, octet_length(e.body) AS size),
  queued AS (INSERT INTO inbox_queue (workspace_id, flow_id, id, size_bytes) SELECT $1, flow_id, id, size FROM inbox WHERE fresh),
  sent AS (INSERT INTO topic_delivery (subscription_id, event_id, workspace_id)
    SELECT s.id, a.id, $1 FROM attributes a JOIN topic_subscription s
      ON s.workspace_id = $1 AND s.topic = a.topic AND (s.types IS NULL OR a.type = ANY(s.types)) RETURNING 1)
  SELECT (SELECT count(*) FROM stored)::int AS fresh,
    (SELECT count(pg_notify('${EVENTS_CHANNEL}', flow_id)) FROM (SELECT DISTINCT flow_id FROM inbox WHERE fresh) AS flows) AS woken,
    (SELECT pg_notify('${TOPICS_CHANNEL}', '') WHERE EXISTS (SELECT FROM sent)) AS told`;

async function publishSome(
  client: pg.Pool | pg.ClientBase,
  workspaceId: string,
  events: readonly TopicEvent[],
  by: string,
): Promise<number> {
  // one statement cannot insert a row and then find it there: of two events with one name the first counts
  const named = new Map<string, object>();
  for (const { runId, ...event } of events) {
    const name = JSON.stringify([event.topic, event.source, event.id]);
    if (named.has(name)) continue;
    named.set(name, { ...event, inbox: inboxId(event), ...(runId === undefined ? {} : { run: runId }) });
  }
  const { rows } = await client.query<{ fresh: number }>({
    name: "topics-publish",
    text: PUBLISH,
    values: [workspaceId, storableJson([...named.values()]), by],
  });
  return rows[0]?.fresh ?? 0;
}

/** What the inboxes of listening flows call it. */
function inboxId({ source, id }: Pick<TopicEvent, "source" | "id">): string {
  const name = `${source}#${id}`;
  return name.length <= LONGEST_ID ? name : `sha256:${createHash("sha256").update(name).digest("hex")}`;
}
