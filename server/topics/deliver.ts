/**
 * Sends events of topics to subscribers outside: one signed POST each (Standard Webhooks), tried again with growing pauses.
 * Any worker may deliver; a delivery being sent is left alone for a minute, then taken over.
 */
import { createHmac } from "node:crypto";
import type pg from "pg";
import { failureOf } from "../../connectors/sdk/errors.ts";
import { createHttp } from "../../connectors/sdk/http.ts";
import { subscribe } from "../db/listen.ts";
import { type Database, databaseUrlOf } from "../db/prisma.ts";
import { standardKey } from "../intake/signature.ts";
import { log, logUnexpected } from "../log.ts";
import { TOPICS_CHANNEL } from "./publish-events.ts";
import { secretOf } from "./subscriptions.ts";

const POLL_MS = 1_000;
const AT_ONCE = 16;
const TIMEOUT_MS = 15_000;
/** Then another process may send it: the receiver knows a repeat by its webhook-id. */
const LEASE_MS = 60_000;
/** Pauses after each failed try, about three days in all (Standard Webhooks, “Deliverability and reliability”). */
export const PAUSES_S = [5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const KEPT_DAYS = 7;

type Due = {
  subscription: string;
  event: string;
  workspaceId: string;
  attempts: number;
  url: string;
  name: string;
  secret: Uint8Array;
  topic: string;
  eventId: string;
  source: string;
  type: string;
  subject: string | null;
  at: Date;
  data: unknown;
};

/** @returns ends it; what is being sent is finished first */
export async function deliverEvents(
  { db, pool }: Pick<Database, "db" | "pool">,
  signal: AbortSignal,
): Promise<{ stop(): Promise<void> }> {
  let working: Promise<void> | undefined;
  let again = false;
  const wake = () => {
    again = true;
    working ??= work().finally(() => {
      working = undefined;
    });
  };
  const work = async () => {
    while (again && !signal.aborted) {
      again = false;
      try {
        while (!signal.aborted && (await deliverDue(pool)) === AT_ONCE) {}
      } catch (error) {
        log.warn({ err: error }, `Delivering events failed; next try in ${POLL_MS} ms`);
      }
    }
  };
  const end = await subscribe(TOPICS_CHANNEL, wake, { url: databaseUrlOf(db) });
  const timer = setInterval(wake, POLL_MS);
  wake();
  return {
    async stop() {
      clearInterval(timer);
      end();
      again = false;
      await working;
    },
  };
}

/** Sends what is due now, at most 16 at once. @returns how many were tried */
export async function deliverDue(pool: pg.Pool, now = new Date()): Promise<number> {
  const { rows } = await pool.query<Due>({
    name: "topics-due",
    text: `WITH due AS (
        SELECT d.subscription_id, d.event_id FROM topic_delivery d JOIN topic_subscription s ON s.id = d.subscription_id
        WHERE d.state = 'pending' AND d.next_at <= $1 AND NOT s.paused ORDER BY d.next_at, d.event_id LIMIT ${AT_ONCE}
        FOR UPDATE OF d SKIP LOCKED),
      taken AS (UPDATE topic_delivery d SET next_at = $1::timestamptz + interval '${LEASE_MS} milliseconds', attempts = attempts + 1
        FROM due WHERE d.subscription_id = due.subscription_id AND d.event_id = due.event_id RETURNING d.*)
      SELECT t.subscription_id AS subscription, t.event_id::text AS event, t.workspace_id AS "workspaceId", t.attempts, s.url, s.name,
        s.secret, e.topic, e.event_id AS "eventId", e.source, e.type, e.subject, e.at, e.data
      FROM taken t JOIN topic_subscription s ON s.id = t.subscription_id JOIN topic_event e ON e.id = t.event_id ORDER BY t.event_id`,
    values: [now],
  });
  await Promise.all(rows.map((due) => deliver(pool, due, now)));
  return rows.length;
}

async function deliver(pool: pg.Pool, due: Due, now: Date): Promise<void> {
  let error: string | null = null;
  let waitMs = 0;
  try {
    await send(due, now);
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.code === "unexpected") logUnexpected(thrown, { subscription: due.subscription });
    error = failure.message.slice(0, 1_000);
    waitMs = failure.retryAfterMs ?? 0;
  }
  const pause = PAUSES_S[due.attempts - 1];
  const state = error === null ? "delivered" : pause === undefined ? "failed" : "pending";
  const wait = Math.max(waitMs, (pause ?? 0) * 1_000 * (0.8 + Math.random() * 0.4));
  await pool.query(
    `UPDATE topic_delivery SET state = $3, last_error = $4, next_at = $5, ended_at = CASE WHEN $3 <> 'pending' THEN now() END
     WHERE subscription_id = $1 AND event_id = $2 AND state = 'pending' AND attempts = $6`,
    [due.subscription, due.event, state, error, new Date(now.getTime() + wait), due.attempts],
  );
}

/** A CloudEvent in structured mode, signed. @throws IntegrationError for anything but a 2xx answer */
async function send(due: Due, now: Date): Promise<void> {
  const { workspaceId, subscription, url, name, secret } = due;
  const body = {
    specversion: "1.0",
    ...{ id: due.eventId, source: due.source, type: due.type },
    ...(due.subject === null ? {} : { subject: due.subject }),
    time: due.at.toISOString(),
    datacontenttype: "application/json",
    data: due.data,
  };
  const id = `${subscription}.${due.event}`;
  const seconds = String(Math.floor(now.getTime() / 1000));
  const signature = signStandard(secretOf(workspaceId, subscription, secret), id, seconds, JSON.stringify(body));
  const { origin, pathname, search } = new URL(url);
  const http = createHttp({
    name,
    baseUrl: origin,
    allowPrivateNetwork: process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK === "true",
    timeoutMs: TIMEOUT_MS,
  });
  try {
    await http.request("POST", `${pathname}${search}`, {
      body,
      headers: {
        "content-type": "application/cloudevents+json",
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": signature,
      },
      about: "record",
    });
  } finally {
    await http.close();
  }
}

/** Source: github.com/standard-webhooks/standard-webhooks, “Signature scheme”: v1, HMAC-SHA256 of id.timestamp.body. */
export function signStandard(secret: string, id: string, seconds: string, body: string): string {
  return `v1,${createHmac("sha256", standardKey(secret)).update(`${id}.${seconds}.${body}`).digest("base64")}`;
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
