/**
 * Sends events of topics to subscribers outside, tried again with growing pauses. Any worker may deliver; a delivery being
 * sent is left alone for a minute, then taken over. One subscriber never takes all the room: it gets a few at once, and one
 * at a time while it fails, so that a system that hangs holds up nobody else. While one is down, or allows no more, its deliveries wait without
 * losing attempts, and one of them is tried from time to time; when that gets through, all go on.
 */
import type pg from "pg";
import { type FailureInfo, failureOf } from "../../connectors/sdk/errors.ts";
import { subscribe } from "../db/listen.ts";
import { type Database, databaseUrlOf } from "../db/prisma.ts";
import { log, logUnexpected } from "../log.ts";
import { TOPICS_CHANNEL } from "./publish-events.ts";
import { type DueDelivery, SubscriberGone, sendEvent } from "./send-event.ts";

const POLL_MS = 1_000;
const AT_ONCE = 32;
/** to one subscriber */
const EACH_AT_ONCE = 4;
/** Then another process may send it: the receiver knows a repeat by its webhook-id. */
const LEASE_MS = 60_000;
/** Pauses after each failed try, about three days in all (Standard Webhooks, “Deliverability and reliability”). */
export const PAUSES_S = [5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const KEPT_DAYS = 7;
/** What waits for a subscriber that is down is given up when it is as old as one that was tried to the end. */
const HELD_FOR_S = PAUSES_S.reduce((sum, pause) => sum + pause, 0);
const FIRST_PROBE_S = 3;
const LONGEST_PROBE_S = 60;
/** What a subscriber asks us to wait is obeyed within these. */
const LEAST_ASKED_S = 1;
const MOST_ASKED_S = 3_600;
/** Nothing was sent, or it was turned away at the door: this tells nothing of the event. */
const isDown = ({ code }: FailureInfo) => code === "unreachable" || code === "unavailable" || code === "rate-limited";

/** How this process gets on with a subscriber. */
type Relation = { underWay: number; failing: boolean };

/** @returns ends it; what is being sent is finished first */
export async function deliverEvents(
  { db, pool }: Pick<Database, "db" | "pool">,
  signal: AbortSignal,
): Promise<{ stop(): Promise<void> }> {
  const relations = new Map<string, Relation>();
  const underWay = new Set<Promise<void>>();
  let claiming: Promise<void> | undefined;
  let again = false;
  const wake = () => {
    again = true;
    claiming ??= claim().finally(() => {
      claiming = undefined;
      if (again && !signal.aborted && underWay.size < AT_ONCE) wake();
    });
  };
  const claim = async () => {
    while (again && !signal.aborted && underWay.size < AT_ONCE) {
      again = false;
      try {
        const due = await claimDue(pool, new Date(), AT_ONCE - underWay.size, relations);
        for (const one of due) start(one);
      } catch (error) {
        log.warn({ err: error }, `Delivering events failed; next try in ${POLL_MS} ms`);
      }
    }
  };
  const start = (due: DueDelivery) => {
    const relation = relations.get(due.subscription) ?? { underWay: 0, failing: false };
    relations.set(due.subscription, relation);
    relation.underWay++;
    const sending = deliver(pool, due, new Date())
      .then(
        (delivered) => {
          relation.failing = !delivered;
        },
        (error: unknown) => void logUnexpected(error, { subscription: due.subscription }),
      )
      .finally(() => {
        underWay.delete(sending);
        relation.underWay--;
        if (relation.underWay === 0 && !relation.failing) relations.delete(due.subscription);
        wake();
      });
    underWay.add(sending);
  };
  const end = await subscribe(TOPICS_CHANNEL, wake, { url: databaseUrlOf(db) });
  const timer = setInterval(wake, POLL_MS);
  wake();
  return {
    async stop() {
      clearInterval(timer);
      end();
      again = false;
      await claiming;
      await Promise.allSettled(underWay);
    },
  };
}

/** Sends what is due now, once. @returns how many were tried */
export async function deliverDue(pool: pg.Pool, now = new Date()): Promise<number> {
  const due = await claimDue(pool, now, AT_ONCE, new Map());
  await Promise.all(due.map((one) => deliver(pool, one, now)));
  return due.length;
}

const CLAIM = `
  WITH known AS (SELECT * FROM unnest($3::text[], $4::int[]) AS k(id, room)),
  due AS (SELECT d.subscription_id, d.event_id FROM topic_subscription s LEFT JOIN known k ON k.id = s.id
    CROSS JOIN LATERAL (SELECT subscription_id, event_id, next_at FROM topic_delivery d
      WHERE d.subscription_id = s.id AND d.state = 'pending' AND d.next_at <= $1 ORDER BY d.next_at, d.event_id
      LIMIT least(coalesce(k.room, ${EACH_AT_ONCE}), CASE WHEN s.down_since IS NULL THEN ${EACH_AT_ONCE} ELSE 1 END)
      FOR UPDATE SKIP LOCKED) d
    WHERE NOT s.paused AND (s.down_since IS NULL OR s.next_probe_at <= $1) ORDER BY coalesce(k.room, ${EACH_AT_ONCE}) DESC, d.next_at, d.event_id LIMIT $2),
  taken AS (UPDATE topic_delivery d SET next_at = $1::timestamptz + interval '${LEASE_MS} milliseconds', attempts = attempts + 1
    FROM due WHERE d.subscription_id = due.subscription_id AND d.event_id = due.event_id RETURNING d.*),
  probing AS (UPDATE topic_subscription s SET next_probe_at = $1::timestamptz + interval '${LEASE_MS} milliseconds'
    FROM due WHERE s.id = due.subscription_id AND s.down_since IS NOT NULL)
  SELECT t.subscription_id AS subscription, t.event_id::text AS event, t.workspace_id AS "workspaceId", t.attempts, s.down_since IS NOT NULL AS probe, s.url, s.name,
    s.secret, e.topic, e.event_id AS "eventId", e.source, e.type, e.subject, e.at, e.data
  FROM taken t JOIN topic_subscription s ON s.id = t.subscription_id JOIN topic_event e ON e.id = t.event_id ORDER BY t.event_id`;

async function claimDue(
  pool: pg.Pool,
  now: Date,
  most: number,
  relations: ReadonlyMap<string, Relation>,
): Promise<DueDelivery[]> {
  const room = ({ underWay, failing }: Relation) => Math.max(0, (failing ? 1 : EACH_AT_ONCE) - underWay);
  const { rows } = await pool.query<DueDelivery>({
    name: "topics-due",
    text: CLAIM,
    values: [now, most, [...relations.keys()], [...relations.values()].map(room)],
  });
  return rows;
}

/** @returns whether the subscriber took it */
async function deliver(pool: pg.Pool, due: DueDelivery, now: Date): Promise<boolean> {
  let error: string | null = null;
  let asksMs: number | undefined;
  let down = false;
  try {
    await sendEvent(due, now);
  } catch (thrown) {
    if (thrown instanceof SubscriberGone) return await pauseSubscription(pool, due, thrown.message);
    const failure = failureOf(thrown);
    if (failure.code === "unexpected") logUnexpected(thrown, { subscription: due.subscription });
    error = failure.message.slice(0, 1_000);
    asksMs = failure.retryAfterMs;
    down = isDown(failure);
  }
  if (down) return await hold(pool, due, { error: error ?? "", asksMs }, now);
  const pause = PAUSES_S[due.attempts - 1];
  const state = error === null ? "delivered" : pause === undefined ? "failed" : "pending";
  const wait = Math.max(asksMs ?? 0, (pause ?? 0) * 1_000 * (0.8 + Math.random() * 0.4));
  await pool.query(
    `WITH back AS (UPDATE topic_subscription SET down_since = NULL, probes = 0, next_probe_at = NULL WHERE id = $1 AND down_since IS NOT NULL)
     UPDATE topic_delivery SET state = $3, last_error = $4, next_at = $5, ended_at = CASE WHEN $3 <> 'pending' THEN now() END
     WHERE subscription_id = $1 AND event_id = $2 AND state = 'pending' AND attempts = $6`,
    [due.subscription, due.event, state, error, new Date(now.getTime() + wait), due.attempts],
  );
  return error === null;
}

/**
 * The subscriber is down, or allows no more just now: the delivery costs no attempt and waits with the others until one gets
 * through, for as long as it asks. What is too old by then is given up.
 */
async function hold(
  pool: pg.Pool,
  { subscription, event, attempts, probe }: DueDelivery,
  { error, asksMs }: { error: string; asksMs: number | undefined },
  now: Date,
) {
  const askedS = asksMs === undefined ? null : Math.min(MOST_ASKED_S, Math.max(LEAST_ASKED_S, asksMs / 1_000));
  const later = (probes: string) =>
    `$2::timestamptz + coalesce($7::float8 * interval '1 second', least(${LONGEST_PROBE_S}, ${FIRST_PROBE_S} * 2 ^ least(10, ${probes})) * (0.9 + random() / 5) * interval '1 second')`;
  await pool.query(
    `WITH held AS (UPDATE topic_subscription SET down_since = coalesce(down_since, $2::timestamptz),
         probes = CASE WHEN down_since IS NULL THEN 0 ELSE probes + 1 END,
         next_probe_at = CASE WHEN down_since IS NULL THEN ${later("0")} ELSE ${later("probes + 1")} END
       WHERE id = $1 AND (down_since IS NULL OR $3)),
     old AS (UPDATE topic_delivery d SET state = 'failed', last_error = coalesce(d.last_error, $4), ended_at = now()
       FROM topic_event e WHERE $3 AND d.subscription_id = $1 AND d.state = 'pending' AND d.event_id <> $5 AND e.id = d.event_id
         AND e.stored_at < $2::timestamptz - interval '${HELD_FOR_S} seconds')
     UPDATE topic_delivery d SET attempts = d.attempts - 1, next_at = $2, last_error = $4,
       state = CASE WHEN e.stored_at < $2::timestamptz - interval '${HELD_FOR_S} seconds' THEN 'failed' ELSE 'pending' END,
       ended_at = CASE WHEN e.stored_at < $2::timestamptz - interval '${HELD_FOR_S} seconds' THEN now() END
     FROM topic_event e WHERE d.subscription_id = $1 AND d.event_id = $5 AND e.id = d.event_id AND d.state = 'pending' AND d.attempts = $6`,
    [subscription, now, probe, error, event, attempts, askedS],
  );
  return false;
}

/** What waits is kept, at no cost of attempts, until a person resumes or removes the subscription. */
async function pauseSubscription(
  pool: pg.Pool,
  { subscription, event, attempts }: DueDelivery,
  error: string,
): Promise<false> {
  await pool.query(
    `WITH paused AS (UPDATE topic_subscription SET paused = true, down_since = NULL, probes = 0, next_probe_at = NULL WHERE id = $1)
     UPDATE topic_delivery SET attempts = attempts - 1, next_at = now(), last_error = $4
     WHERE subscription_id = $1 AND event_id = $2 AND state = 'pending' AND attempts = $3`,
    [subscription, event, attempts, error],
  );
  return false;
}

/** Events nobody waits for, a week after they came; in pieces. @returns how many went */
export async function forgetOldEvents(pool: pg.Pool, pieces = 10): Promise<number> {
  let gone = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const { rowCount } = await pool.query(
      `WITH old AS (SELECT e.id FROM topic_event e WHERE e.stored_at < now() - interval '${KEPT_DAYS} days'
           AND NOT EXISTS (SELECT FROM topic_delivery d WHERE d.event_id = e.id AND d.state = 'pending') ORDER BY e.stored_at LIMIT 1000),
         sent AS (DELETE FROM topic_delivery d USING old WHERE d.event_id = old.id)
       DELETE FROM topic_event e USING old WHERE e.id = old.id`,
    );
    gone += rowCount ?? 0;
    if ((rowCount ?? 0) < 1_000) break;
  }
  return gone;
}
