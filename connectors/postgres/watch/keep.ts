/** Says how far readers are, and forgets what all of them have read. */
import type { ChangesReader } from "../../sdk/changes.ts";
import type { Table } from "../catalog.ts";
import type { Clients } from "../client.ts";
import { rawQuery } from "../transaction.ts";
import { inLog, readPosition } from "./position.ts";
import { KEPT_FOR, placesIn } from "./recorder.ts";

/** Entries deleted in one statement, so that no lock is held for long. */
const AT_ONCE = 50_000;

/**
 * Entries go one call after all readers were beyond them: a follower that took its position a moment ago and is not known yet
 * still finds what it needs (and would notice otherwise: `isWhole`).
 *
 * @returns false when the recorder is about to stop by itself, or has: then it must be installed again
 */
export async function keepReaders(
  clients: Clients,
  table: Table,
  { owner, readers }: { owner: string; readers: ChangesReader[] },
): Promise<boolean> {
  const { watch, log, reader } = placesIn(table);
  return await clients.use(async (client) => {
    const [row] = await rawQuery(
      client,
      `SELECT id::text, wanted_until > now() + interval '1 hour' FROM ${watch} WHERE relation = $1::oid`,
      [table.oid],
    );
    if (!row) return true;
    const [id, wanted] = row as string[];
    if (wanted !== "t") return readers.length === 0;
    // one that pauses stays as it is known: it is not seen, and once forgotten it does not come back
    const seen = readers.flatMap(({ id: name, position, paused }) => {
      const place = readPosition(position);
      return !paused && place && inLog(place) && place.watch === id ? [{ name, from: place.from }] : [];
    });
    await client.query("BEGIN");
    await rawQuery(
      client,
      `INSERT INTO ${reader} (watch, owner, id, position) SELECT $1::uuid, $2, r.id, r.position::pg_snapshot
         FROM unnest($3::text[], $4::text[]) AS r(id, position)
       ON CONFLICT (watch, owner, id) DO UPDATE SET position = excluded.position, seen_at = now()`,
      [id, owner, seen.map(({ name }) => name), seen.map(({ from }) => from)],
    );
    await rawQuery(
      client,
      `DELETE FROM ${reader} WHERE watch = $1::uuid AND (seen_at < now() - interval '${KEPT_FOR}' OR (owner = $2 AND NOT (id = ANY ($3::text[]))))`,
      [id, owner, readers.map((one) => one.id)],
    );
    const [trimmed] = await rawQuery(
      client,
      `UPDATE ${watch} w SET trimmed_to = greatest(CASE WHEN w.trimmed_to > s.next THEN '0' ELSE w.trimmed_to END,
           CASE WHEN w.trim_next > s.next THEN '0' ELSE w.trim_next END),
         trim_next = coalesce(r.oldest, s.oldest), wanted_until = CASE WHEN r.oldest IS NULL THEN w.wanted_until ELSE now() + interval '${KEPT_FOR}' END
       FROM (SELECT pg_snapshot_xmin(n) AS oldest, pg_snapshot_xmax(n) AS next FROM pg_current_snapshot() n) s
       LEFT JOIN LATERAL (SELECT pg_snapshot_xmin(r.position) AS oldest FROM ${reader} r WHERE r.watch = $1::uuid
         ORDER BY pg_snapshot_xmin(r.position) LIMIT 1) r ON true
       WHERE w.id = $1::uuid RETURNING w.trimmed_to::text, s.next::text`,
      [id],
    );
    await client.query("COMMIT");
    if (!trimmed) return true;
    for (;;) {
      const gone = await client.query(
        `DELETE FROM ${log} WHERE (watch, tx, seq) IN (SELECT watch, tx, seq FROM ${log}
           WHERE watch = $1::uuid AND (tx < $2::xid8 OR tx > $3::xid8) LIMIT ${AT_ONCE})`,
        [id, trimmed[0], trimmed[1]],
      );
      if ((gone.rowCount ?? 0) < AT_ONCE) return true;
    }
  });
}
