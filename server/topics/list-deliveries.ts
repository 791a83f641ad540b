import { z } from "zod";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import { NotFound } from "../errors.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";

export const DELIVERY_STATES = ["pending", "failed", "delivered"] as const;

export const ListSubscriptionDeliveries = z.object({
  id: AnyId,
  state: z.enum(DELIVERY_STATES).optional().describe("Absent: all"),
  cursor: NumberCursor.optional(),
  limit: Limit,
});

/** An event on its way to a subscriber outside. */
export type SubscriptionDelivery = {
  id: string;
  eventId: string;
  type: string;
  subject: string | null;
  /** when the event happened */
  at: string;
  state: (typeof DELIVERY_STATES)[number];
  attempts: number;
  /** when it is tried again; null when it is not */
  nextAt: string | null;
  endedAt: string | null;
  error: string | null;
};

type Row = Omit<SubscriptionDelivery, "at" | "nextAt" | "endedAt"> & {
  at: Date;
  nextAt: Date | null;
  endedAt: Date | null;
};

/** What a subscriber was sent or is to be sent, newest first. @throws NotFound */
export async function listSubscriptionDeliveries(
  { pool, workspaceId }: ServerContext,
  { id, state, cursor, limit }: z.output<typeof ListSubscriptionDeliveries>,
): Promise<{ items: SubscriptionDelivery[]; next: string | null }> {
  const known = await pool.query("SELECT 1 FROM topic_subscription WHERE id = $1 AND workspace_id = $2", [
    id,
    workspaceId,
  ]);
  if (known.rowCount === 0) throw new NotFound("subscription", id);
  const { rows } = await pool.query<Row>(
    `SELECT e.id::text, e.event_id AS "eventId", e.type, e.subject, e.at, d.state, d.attempts,
       CASE WHEN d.state = 'pending' THEN d.next_at END AS "nextAt", d.ended_at AS "endedAt", d.last_error AS error
     FROM topic_delivery d JOIN topic_event e ON e.id = d.event_id
     WHERE d.subscription_id = $1 AND ($2::text IS NULL OR d.state = $2) AND ($3::bigint IS NULL OR d.event_id < $3)
     ORDER BY d.event_id DESC LIMIT $4`,
    [id, state ?? null, cursor ?? null, limit + 1],
  );
  const items = rows.map(
    (row): SubscriptionDelivery => ({
      ...row,
      at: row.at.toISOString(),
      nextAt: row.nextAt?.toISOString() ?? null,
      endedAt: row.endedAt?.toISOString() ?? null,
    }),
  );
  return pageOf(items, limit, (item) => item.id);
}
