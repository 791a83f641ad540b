import type pg from "pg";
import type { Outage } from "../../trpc/contract/connections.ts";

/** The systems of a workspace that are down, by connection id. */
export async function outages(pool: pg.Pool, workspaceId: string): Promise<Map<string, Outage>> {
  type Row = Omit<Outage, "since" | "nextTryAt"> & { since: Date; nextTryAt: Date | null };
  const { rows } = await pool.query<Row>(
    `SELECT c.id AS "connectionId", c.name AS "connectionName", g.opened_at AS since, g.reason,
       CASE WHEN g.probing_until > now() THEN now() ELSE g.next_probe_at END AS "nextTryAt",
       count(r.id)::float8 AS "waitingRuns", coalesce(sum(r.waiting_records), 0)::float8 AS "waitingRecords"
     FROM connection_guard g JOIN connection c ON c.id = g.connection_id
     LEFT JOIN run r ON r.wait_connection = c.id AND r.state = 'waiting' AND r.wait_reason = 'target'
     WHERE g.workspace_id = $1 AND g.state = 'open' GROUP BY c.id, g.connection_id ORDER BY c.name`,
    [workspaceId],
  );
  return new Map(
    rows.map(({ since, nextTryAt, ...row }): [string, Outage] => [
      row.connectionId,
      { ...row, since: since.toISOString(), nextTryAt: nextTryAt?.toISOString() ?? null },
    ]),
  );
}
