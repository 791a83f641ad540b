/** The pace of a connection, kept in its guard row: all workers keep a system's limits together, and learn them together. */
import type pg from "pg";
import { createPace, type Pace, type PaceStore, privateStore } from "../../../connectors/sdk/http-pace.ts";
import { type PaceState, unlimited } from "../../../connectors/sdk/pacing.ts";
import type { Connection } from "../../db/generated/client.ts";
import { noticeSilence } from "../../processes/presence.ts";
import { limitsOf } from "./limits.ts";

/** What others learnt is seen at the latest after so long. */
const REFRESH_MS = 1_000;

const shared = globalThis as typeof globalThis & { plumblinePaces?: Map<string, SharedPace> };

/** Until `bind` names a database, the state is this process's alone. */
export class SharedPace implements PaceStore {
  readonly #id: string;
  readonly #alone = privateStore();
  #pool: pg.Pool | undefined;
  #state: PaceState = unlimited;
  #version = -1n;
  #offsetMs = 0;
  #seenAt = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(connectionId: string) {
    this.#id = connectionId;
  }

  async bind(pool: pg.Pool): Promise<void> {
    if (this.#pool === pool) return;
    this.#pool = pool;
    await this.#read();
  }

  last(): PaceState {
    if (!this.#pool) return this.#alone.last();
    if (Date.now() - this.#seenAt > REFRESH_MS) {
      this.#seenAt = Date.now();
      this.#read().catch(() => {}); // the database is away: what is known still holds
    }
    return this.#state;
  }

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  change<T>(change: (state: PaceState, now: number) => { state: PaceState; result: T }): Promise<T> {
    const pool = this.#pool;
    if (!pool) return this.#alone.change(change);
    const done = this.#queue.then(async () => {
      for (;;) {
        if (this.#version < 0n) await this.#read();
        const { state, result } = change(this.#state, this.now());
        const { rows } = await pool.query<{ version: string }>({
          name: "pace-change",
          text: `UPDATE connection_guard SET pace = $3, pace_version = pace_version + 1
            WHERE connection_id = $1 AND pace_version = $2 RETURNING pace_version::text AS version`,
          values: [this.#id, this.#version.toString(), JSON.stringify(state)],
        });
        if (rows[0]) {
          this.#state = state;
          this.#version = BigInt(rows[0].version);
          this.#seenAt = Date.now();
          return result;
        }
        await this.#read(); // another worker was faster
      }
    });
    this.#queue = done.catch(() => {});
    return done;
  }

  async #read(again = false): Promise<void> {
    const asked = Date.now();
    const { rows } = await (this.#pool as pg.Pool).query<{ pace: Partial<PaceState>; version: string; now: number }>(
      `WITH made AS (INSERT INTO connection_guard (connection_id, workspace_id)
         SELECT id, workspace_id FROM connection WHERE id = $1 ON CONFLICT DO NOTHING RETURNING pace, pace_version)
       SELECT pace, pace_version::text AS version, extract(epoch from clock_timestamp())::float8 * 1000 AS now
       FROM (SELECT pace, pace_version FROM connection_guard WHERE connection_id = $1 UNION ALL SELECT * FROM made) AS g`,
      [this.#id],
    );
    const row = rows[0];
    // another worker made it in this very moment: too late for this statement to see it, too early to make it
    if (!row && !again) return await this.#read(true);
    if (!row) throw new Error(`Connection ${this.#id} was removed while it was in use.`);
    const version = BigInt(row.version);
    if (version < this.#version) return; // an answer that was overtaken
    this.#state = { ...unlimited, ...row.pace };
    this.#version = version;
    this.#seenAt = Date.now();
    this.#offsetMs = row.now - (asked + this.#seenAt) / 2;
  }
}

function storeOf(connectionId: string): SharedPace {
  shared.plumblinePaces ??= new Map();
  let store = shared.plumblinePaces.get(connectionId);
  if (!store) {
    store = new SharedPace(connectionId);
    shared.plumblinePaces.set(connectionId, store);
  }
  return store;
}

/** From now on this process keeps the connection's pace together with all others that use the same database. */
export async function sharePace(pool: pg.Pool, connectionId: string): Promise<void> {
  await storeOf(connectionId).bind(pool);
}

/** The pace for a session of this connection, by the limits in its settings and what has been learnt. */
export function paceOf({ id, name, settings }: Pick<Connection, "id" | "name" | "settings">): Pace {
  return createPace(storeOf(id), { name, limits: limitsOf(settings), beforeSending: noticeSilence });
}
