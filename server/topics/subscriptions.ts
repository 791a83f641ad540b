/** Systems outside that are sent the events of a topic as signed webhooks. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { isTopic } from "../../engine/steps/topic.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { decrypt, encrypt } from "../secrets/encrypt.ts";

const Topic = storableText(100).refine(isTopic, "expected up to 100 letters, digits, dots, - and _");
const Name = storableText(200).trim().min(1, "give it a name");
const Url = z
  .url({ protocol: /^https?$/, error: "expected an address that begins with https://" })
  .max(2_000)
  .refine(
    (url) => !URL.canParse(url) || (new URL(url).username === "" && new URL(url).password === ""),
    "expected an address without a user name or password; what is sent is signed with the subscriber's secret instead",
  );
const Types = z.array(storableText(200).min(1)).min(1).max(100);

export const CreateSubscription = z.object({
  topic: Topic,
  name: Name,
  url: Url,
  types: Types.optional().describe("Only events of these types; absent: all"),
  secret: storableText(500)
    .min(16, "expected at least 16 characters")
    .optional()
    .describe("Events are signed with it; absent: one is made"),
});
export const ChangeSubscription = z.object({
  id: AnyId,
  name: Name.optional(),
  url: Url.optional(),
  types: Types.nullable().optional(),
  paused: z.boolean().optional(),
});
export const RetrySubscription = z.object({
  id: AnyId,
  events: z
    .array(z.string().regex(/^\d{1,18}$/, "expected the number of an event, the id of its delivery"))
    .min(1)
    .max(1_000)
    .optional()
    .describe("Only these, by the ids of their deliveries; absent: all"),
});

export type SubscriptionItem = {
  id: string;
  topic: string;
  name: string;
  url: string;
  types: string[] | null;
  paused: boolean;
  createdAt: string;
  createdBy: string;
  /** deliveries by state; `failed` were given up */
  pending: number;
  failed: number;
  delivered: number;
  /** why the newest delivery under way is tried again */
  lastError: string | null;
  /** it does not answer: since when, and when it is tried next */
  down: { since: string; nextTryAt: string | null } | null;
};

type Row = Omit<SubscriptionItem, "createdAt" | "down"> & {
  createdAt: Date;
  downSince: Date | null;
  nextProbeAt: Date | null;
};

const placeOf = (workspaceId: string, id: string) => ({ workspaceId, connectionId: id });

/** The secret is shown this once. Sends nothing yet; the next event of the topic is sent. */
export async function createSubscription(
  ctx: ServerContext,
  { topic, name, url, types, secret: given }: z.output<typeof CreateSubscription>,
): Promise<{ id: string; secret: string }> {
  const id = newId("sub");
  const secret = given ?? `whsec_${randomBytes(24).toString("base64")}`;
  const { workspaceId, actor } = ctx;
  await ctx.db.$transaction(async (tx) => {
    await tx.$executeRaw`INSERT INTO topic_subscription (id, workspace_id, topic, name, url, types, secret, created_by)
      VALUES (${id}, ${workspaceId}, ${topic}, ${name}, ${url}, ${types ?? null}::text[],
        ${encrypt(secret, placeOf(workspaceId, id))}, ${actor.name})`;
    await audit(tx, ctx, "subscription.create", id, { topic, name, url });
  });
  return { id, secret };
}

/** @throws NotFound */
export async function changeSubscription(
  ctx: ServerContext,
  { id, ...change }: z.output<typeof ChangeSubscription>,
): Promise<{ ok: true }> {
  const { workspaceId } = ctx;
  const { name = null, url = null, types, paused = null } = change;
  await ctx.db.$transaction(async (tx) => {
    const changed =
      await tx.$executeRaw`UPDATE topic_subscription SET name = coalesce(${name}, name), url = coalesce(${url}, url),
        types = CASE WHEN ${types === undefined} THEN types ELSE ${types ?? null}::text[] END,
        paused = coalesce(${paused}::boolean, paused), updated_at = now(),
        next_probe_at = CASE WHEN down_since IS NOT NULL AND (${url}::text IS NOT NULL OR ${paused}::boolean IS FALSE) THEN now() ELSE next_probe_at END
      WHERE id = ${id} AND workspace_id = ${workspaceId}`;
    if (changed === 0) throw new NotFound("subscription", id);
    if (paused === false)
      await tx.$executeRaw`UPDATE topic_delivery SET next_at = now() WHERE subscription_id = ${id} AND state = 'pending'`;
    await audit(tx, ctx, "subscription.change", id, change);
  });
  return { ok: true };
}

/** What was not delivered is forgotten with it. @throws NotFound */
export async function removeSubscription(ctx: ServerContext, { id }: { id: string }): Promise<{ ok: true }> {
  await ctx.db.$transaction(async (tx) => {
    const removed =
      await tx.$executeRaw`DELETE FROM topic_subscription WHERE id = ${id} AND workspace_id = ${ctx.workspaceId}`;
    if (removed === 0) throw new NotFound("subscription", id);
    await audit(tx, ctx, "subscription.delete", id, {});
  });
  return { ok: true };
}

export async function listSubscriptions({ pool, workspaceId }: ServerContext): Promise<SubscriptionItem[]> {
  const { rows } = await pool.query<Row>(
    `SELECT s.id, s.topic, s.name, s.url, s.types, s.paused, s.created_at AS "createdAt", s.created_by AS "createdBy",
       s.down_since AS "downSince", s.next_probe_at AS "nextProbeAt",
       count(*) FILTER (WHERE d.state = 'pending')::int AS pending, count(*) FILTER (WHERE d.state = 'failed')::int AS failed,
       count(*) FILTER (WHERE d.state = 'delivered')::int AS delivered,
       (array_agg(d.last_error ORDER BY d.event_id DESC) FILTER (WHERE d.last_error IS NOT NULL AND d.state <> 'delivered'))[1] AS "lastError"
     FROM topic_subscription s LEFT JOIN topic_delivery d ON d.subscription_id = s.id
     WHERE s.workspace_id = $1 GROUP BY s.id ORDER BY s.topic, s.name, s.id`,
    [workspaceId],
  );
  return rows.map(({ createdAt, downSince, nextProbeAt, ...row }) => ({
    ...row,
    createdAt: createdAt.toISOString(),
    down: downSince && { since: downSince.toISOString(), nextTryAt: nextProbeAt?.toISOString() ?? null },
  }));
}

/**
 * What was given up is tried once more; what waits for its next try, and a subscriber that is down, is tried at once.
 *
 * @returns how many deliveries
 * @throws NotFound
 */
export async function retrySubscription(
  ctx: ServerContext,
  { id, events }: z.output<typeof RetrySubscription>,
): Promise<{ deliveries: number }> {
  return await ctx.db.$transaction(async (tx) => {
    const found = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM topic_subscription WHERE id = ${id} AND workspace_id = ${ctx.workspaceId}`;
    if (found.length === 0) throw new NotFound("subscription", id);
    await tx.$executeRaw`UPDATE topic_subscription SET next_probe_at = now() WHERE id = ${id} AND down_since IS NOT NULL`;
    const deliveries = await tx.$executeRaw`
      UPDATE topic_delivery SET state = 'pending', attempts = CASE state WHEN 'failed' THEN 0 ELSE attempts END,
        next_at = now(), ended_at = NULL
      WHERE subscription_id = ${id} AND (state = 'failed' OR (state = 'pending' AND next_at > now()))
        AND (${events === undefined} OR event_id = ANY(${events ?? []}::bigint[]))`;
    await audit(tx, ctx, "subscription.retry", id, { deliveries, chosen: events !== undefined });
    return { deliveries };
  });
}

/** @throws UseCaseError when our key cannot decrypt it */
export function secretOf(workspaceId: string, id: string, stored: Uint8Array): string {
  return decrypt(stored, placeOf(workspaceId, id));
}
