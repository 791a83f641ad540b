/** A process shows that it is alive: a row in `process`, touched every few seconds. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type pg from "pg";
import { asUseCaseError } from "../failure.ts";
import { log } from "../log.ts";
import { version } from "../version.ts";

const EVERY_MS = 3_000;
/** A process that was silent for so long is taken for dead: its runs are taken over. */
export const DEAD_AFTER_MS = 15_000;

/** A process that could not say for so long that it is alive stops its work before others begin to do it as well. */
const SILENT_AFTER_MS = 12_000;

export type Presence = {
  id: string;
  /**
   * What this process holds from now on. Aborted once it was silent (stood still, or without the database) for so long that
   * others may have taken it over; what is held after that is held by a new signal.
   */
  held(): AbortSignal;
  stop(): Promise<void>;
};

const shared = globalThis as typeof globalThis & { plumblineSilences?: Set<() => void> };
shared.plumblineSilences ??= new Set();
const silences = shared.plumblineSilences;

/**
 * Looks whether this process was silent too long, and if so lets go of what it held. Called right before anything is sent: a
 * process that was frozen wakes up in the middle of its work, before any timer.
 */
export function noticeSilence(): void {
  for (const look of silences) look();
}

/** The process this one was started in place of is dead for certain; nobody needs to wait for its silence. */
async function buryFormer(pool: pg.Pool, role: "web" | "worker"): Promise<void> {
  const pid = Number(process.env.PLUMBLINE_FORMER_PID ?? "");
  if (!Number.isInteger(pid) || pid <= 0) return;
  await pool.query("UPDATE process SET seen_at = to_timestamp(0) WHERE role = $1 AND host = $2 AND pid = $3", [
    role,
    hostname(),
    pid,
  ]);
}

/**
 * Registers this process and keeps its row fresh. An outage of the database is waited out.
 *
 * @param poolIds the queue's worker pools of this process, so that its jobs can be unlocked when it dies
 */
export async function showPresence(
  pool: pg.Pool,
  role: "web" | "worker",
  poolIds: () => string[] = () => [],
): Promise<Presence> {
  const id = `${role}_${randomBytes(8).toString("hex")}`;
  let holding = new AbortController();
  /** by both clocks: one stands still while a machine sleeps, the other may be set back */
  let seen = { at: performance.now(), time: Date.now() };
  const silent = () => {
    const ms = Math.max(performance.now() - seen.at, Date.now() - seen.time);
    if (ms < SILENT_AFTER_MS || holding.signal.aborted) return;
    holding.abort(new Error(`The process was silent for ${Math.round(ms / 1000)} s; others may do its work by now.`));
  };
  const touch = async () => {
    const now = { at: performance.now(), time: Date.now() };
    await pool.query(
      `INSERT INTO process (id, role, pid, host, version, pool_ids) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (id) DO UPDATE SET seen_at = now(), pool_ids = excluded.pool_ids`,
      [id, role, process.pid, hostname(), version, poolIds()],
    );
    silent();
    seen = now;
    if (holding.signal.aborted) holding = new AbortController();
  };
  await buryFormer(pool, role);
  await touch();
  silences.add(silent);
  let touching: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    silent();
    if (touching) return;
    touching = touch()
      .catch((error: Error) =>
        log.warn(
          `The database did not take our sign of life; trying again. ${asUseCaseError(error)?.message ?? error.message}`,
        ),
      )
      .finally(() => {
        touching = undefined;
      });
  }, EVERY_MS);
  return {
    id,
    held: () => holding.signal,
    async stop() {
      clearInterval(timer);
      silences.delete(silent);
      await touching;
      await pool.query("DELETE FROM process WHERE id = $1", [id]).catch(() => {});
    },
  };
}
