/** A look at the recorder of a table: does it record, and has a follower's position missed anything? */
import { createHash } from "node:crypto";
import type pg from "pg";
import { keysOf, type Table } from "../catalog.ts";
import type { ServerError } from "../errors.ts";
import { rawQuery } from "../transaction.ts";
import { boundsOf, inLog, type LogPosition, type Position } from "./position.ts";
import { placesIn, triggersOf } from "./recorder.ts";

/** The recorder's tables are not there, or not for this user. Source: PostgreSQL manual, “PostgreSQL Error Codes”. */
const TABLE_MISSING = "42P01";
const NOT_ALLOWED = "42501";

/** `now`: a position that has read everything up to this moment. `why`: what keeps it from recording. */
export type Look = { now: LogPosition; trimmedTo: bigint; pending: boolean } | { why: string };

/**
 * One statement. Triggers that somebody disabled for a while show in their rows' `xmin`, which is part of the print; that
 * and installing wait for all writers of the table, so a snapshot taken after either misses none of them.
 *
 * @param stream its name, for the reason
 */
export async function lookAt(
  client: pg.ClientBase,
  table: Table,
  stream: string,
  position: Position | null,
): Promise<Look> {
  const { watch, log, reader } = placesIn(table);
  const missing = { why: `Changes of ${stream} are not recorded: the recorder is not installed.` };
  const from = position && inLog(position) ? position.from : null;
  const rows = await rawQuery(
    client,
    `SELECT w.id::text, w.key = $2::text[], w.trimmed_to::text, w.wanted_until > now(), s.now::text,
       (SELECT system_identifier::text FROM pg_control_system()), g.print, g.enabled,
       $3::text IS NOT NULL AND EXISTS (SELECT FROM ${log} c WHERE c.watch = w.id AND c.tx >= pg_snapshot_xmin($3::pg_snapshot)
         AND NOT pg_visible_in_snapshot(c.tx, $3::pg_snapshot)), to_regclass($4) IS NOT NULL
     FROM ${watch} w CROSS JOIN (SELECT pg_current_snapshot() AS now) s
     CROSS JOIN LATERAL (SELECT string_agg(concat_ws(' ', t.tgrelid, t.tgname, t.xmin, t.tgenabled), ',' ORDER BY t.tgrelid, t.tgname) AS print,
         count(*) FILTER (WHERE t.tgrelid = w.relation AND t.tgenabled IN ('O', 'A')) AS enabled
       FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = w.recorder
       WHERE t.tgrelid = w.relation OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(w.relation))) g
     WHERE w.relation = $1::oid`,
    [table.oid, keysOf(table)[0] ?? [], from, reader],
  ).catch((error: ServerError) => {
    if (error.code === TABLE_MISSING) return [];
    if (error.code === NOT_ALLOWED) return null;
    throw error;
  });
  if (rows === null)
    return {
      why: `The user of this connection may not read what records the changes of ${stream}. Grant it, or install it again.`,
    };
  const row = rows[0];
  if (row?.[9] !== "t") return missing;
  const [id, sameKey, trimmedTo, wanted, now, system, print, enabled, pending] = row as string[];
  if (sameKey !== "t")
    return { why: `The key of ${stream} changed since its recorder was installed. Install it again.` };
  if (Number(enabled) < triggersOf(table))
    return { why: `Triggers of the recorder of ${stream} were removed or disabled. Install it again.` };
  if (wanted !== "t")
    return {
      why: `Nobody read the changes of ${stream} for a week, so recording stopped. Install the recorder again.`,
    };
  return {
    now: {
      watch: id!,
      print: createHash("sha256")
        .update(print ?? "")
        .digest("base64url")
        .slice(0, 16),
      system: system!,
      from: now!,
    },
    // a number that was not given out yet came here with a copy of another server's database, and says nothing
    trimmedTo: BigInt(trimmedTo!) > boundsOf(now!).next ? 0n : BigInt(trimmedTo!),
    pending: pending === "t",
  };
}

/** Whether the log still has everything this position has not read. */
export function isWhole(position: LogPosition, { now, trimmedTo }: Exclude<Look, { why: string }>): boolean {
  const { oldest, next } = boundsOf(position.from);
  return (
    position.watch === now.watch &&
    position.print === now.print &&
    position.system === now.system &&
    trimmedTo <= oldest &&
    next <= boundsOf(now.from).next // else the database was set back in time
  );
}
