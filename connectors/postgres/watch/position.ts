/** Where a follower of a table stands. */
import type { Json } from "../../sdk/types.ts";

/**
 * In the log: everything that the snapshot `from` sees was read. `to`, `tx`, `seq`: of what `to` sees besides, all up to that
 * entry. `load`: the table itself is still being read, to there; what happens meanwhile is in the log.
 * `watch`, `print` and `system` tell whether the log is the one the position is about, without a gap since.
 */
export type LogPosition = {
  watch: string;
  print: string;
  system: string;
  from: string;
  to?: string;
  tx?: string;
  seq?: string;
  load?: { cursor: Json };
};

/** Where nothing is recorded: the watermark read so far, and within a run where it began and stands. */
export type PollPosition = { poll: Json; start?: Json; cursor?: Json };
export type Position = LogPosition | PollPosition;

export function readPosition(value: Json): Position | null {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  if ("poll" in value) return value as PollPosition;
  return typeof value.watch === "string" && typeof value.from === "string" ? (value as LogPosition) : null;
}

export const inLog = (position: Position): position is LogPosition => "watch" in position;

/** The oldest transaction open in a snapshot, and the first that had not begun. Source: PostgreSQL manual, `pg_snapshot`. */
export function boundsOf(snapshot: string): { oldest: bigint; next: bigint } {
  const [oldest, next] = snapshot.split(":");
  return { oldest: BigInt(oldest!), next: BigInt(next!) };
}
