/** Reads the events that are first in a flow's queue. Nothing is marked: the lease keeps others away. */
import type pg from "pg";
import { LeaseLost } from "../../engine/ports.ts";
import type { EventRun } from "../../engine/run/process-events.ts";
import { parseStored } from "../intake/parse-body.ts";
import type { EventLease } from "./event-lease.ts";

export type ClaimedEvent = EventRun & { receivedAt: string; sentBy: string };

export type Claim = {
  version: number | null;
  /** the flow rests: paused, removed, or waiting for its target */
  resting: boolean;
  /** it waited, and the time has come */
  waited: boolean;
  failures: number;
  failingSince: Date | null;
  events: ClaimedEvent[];
  /** how often runs of the flow's events were cancelled so far */
  cancels: number;
  /** of some of these times runs have still to be ended; no events then */
  cancelling: boolean;
  /** parts of earlier batches are not settled */
  unsettled: boolean;
};

const MOST_BYTES = 8 * 1024 * 1024;

const CLAIM = `
  WITH held AS (SELECT f.live_version, d.failures, d.failing_since, d.cancels, d.cancels <> d.cancels_ended AS cancelling, d.wait_reason IS NOT NULL AS waited,
      f.paused OR f.deleted_at IS NOT NULL OR (d.wait_reason IS NOT NULL AND coalesce(d.resume_at > now(), true)) AS resting,
      EXISTS (SELECT FROM inbox_sending s WHERE s.flow_id = d.flow_id) AS unsettled
    FROM inbox_drain d JOIN flow f ON f.id = d.flow_id WHERE d.flow_id = $1 AND d.lease_token = $2)
  SELECT held.live_version AS version, held.failures, held.failing_since AS "failingSince", held.resting, held.waited, held.unsettled, held.cancels, held.cancelling,
    e.id::text, e.event_id AS "eventId", e.received_at::text AS "receivedAt", e.content_type AS "contentType", e.body,
    e.sent_by AS "sentBy"
  FROM held LEFT JOIN LATERAL (
    SELECT id FROM (SELECT id, sum(size_bytes) OVER (ORDER BY id) - size_bytes AS before
      FROM (SELECT id, size_bytes FROM inbox_queue WHERE flow_id = $1 ORDER BY id LIMIT $3) AS first) AS sized
    WHERE before < ${MOST_BYTES}) AS q ON NOT held.resting AND NOT held.cancelling
  LEFT JOIN inbox_event e ON e.id = q.id
  ORDER BY q.id`;

type Row = Omit<Claim, "events"> & {
  id: string | null;
  eventId: string;
  receivedAt: string;
  contentType: string;
  body: string;
  sentBy: string;
};

/** @throws LeaseLost when another process holds the flow's events */
export async function claimEvents(pool: pg.Pool, lease: EventLease, limit: number): Promise<Claim> {
  const { rows } = await pool.query<Row>({
    name: "events-claim",
    text: CLAIM,
    values: [lease.flowId, lease.token, limit],
  });
  const [first] = rows;
  if (!first) throw new LeaseLost(lease.flowId);
  const { version, failures, failingSince, resting, waited, unsettled, cancels, cancelling } = first;
  const events = rows.flatMap((row) => (row.id === null ? [] : [eventOf(row, row.id)]));
  return { version, failures, failingSince, resting, waited, unsettled, cancels, cancelling, events };
}

function eventOf({ eventId, receivedAt, sentBy, contentType, body }: Row, runId: string): ClaimedEvent {
  return { runId, eventId, receivedAt, sentBy, records: parseStored(contentType, body) };
}
