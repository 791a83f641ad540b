/** Gives requests their turn, by what is known of a system's limits (pacing.ts). */
import { IntegrationError } from "./errors.ts";
import {
  isFree,
  LONGEST_TURN_MS,
  type PaceLimits,
  type PaceState,
  refused,
  type Turns,
  takeTurns,
  unlimited,
} from "./pacing.ts";
import { takeSlots } from "./slots.ts";

export type Pace = {
  /**
   * Resolves when the next request may be sent; call `done` when its answer is there.
   *
   * @throws IntegrationError "rate-limited" with the wait, when the turn would come only after more than 5 s
   */
  turn(signal?: AbortSignal): Promise<void>;
  /** the system took the request, whatever it answered */
  accepted(): void;
  /** the system said 429; resolves once everyone who shares the pace knows */
  limited(sentAt: number, retryAfterMs?: number): Promise<void>;
  done(): void;
};

/** Where the state of a pace is kept, for one session or for all workers. */
export type PaceStore = {
  /** the state as it was last seen, without asking */
  last(): PaceState;
  /** milliseconds since the epoch, by the clock the state is kept with */
  now(): number;
  /** changes the state as one move; `change` may be called again when somebody else was faster */
  change<T>(change: (state: PaceState, now: number) => { state: PaceState; result: T }): Promise<T>;
};

/** A state for one session only. */
export function privateStore(now: () => number = Date.now): PaceStore {
  let state = unlimited;
  return {
    last: () => state,
    now,
    async change(change) {
      const changed = change(state, now());
      state = changed.state;
      return changed.result;
    },
  };
}

/** A turn that nobody took in time is given up: a burst would follow otherwise. */
const STALE_MS = 60;

const WINDOW_MS = 1_000;

export type PaceOptions = {
  /** the system's name, for messages */
  name?: string;
  limits?: PaceLimits;
  /** called at the end of each turn, which ends the moment before its request is sent */
  beforeSending?(): void;
};

export function createPace(
  store: PaceStore = privateStore(),
  { name = "The system", limits = {}, beforeSending }: PaceOptions = {},
): Pace {
  let accepted = 0;
  let waiting = 0;
  let turns: number[] = [];
  let taking: Promise<void> | undefined;
  // what was accepted lately, for the first refusal: this window and the one before
  let counted = 0;
  let countedFrom = Number.NEGATIVE_INFINITY;
  let before = { from: store.now(), count: 0 };

  async function take(): Promise<void> {
    const booked = accepted;
    accepted = 0;
    const { count, startAt, everyMs } = await store
      .change((state, now): { state: PaceState; result: Turns } => {
        const taken = takeTurns(state, limits, { wanted: waiting, accepted: booked, now });
        return { state: taken.state, result: taken.turns };
      })
      .catch((error: unknown) => {
        accepted += booked;
        throw error;
      });
    if (count === 0 && startAt - store.now() <= LONGEST_TURN_MS) {
      await new Promise((done) => setTimeout(done, Math.max(1, startAt - everyMs - store.now())));
      return;
    }
    if (count === 0) {
      const afterMs = Math.max(1, Math.ceil(startAt - store.now()));
      const wait = afterMs < 120_000 ? `${Math.ceil(afterMs / 1000)} s` : `${Math.ceil(afterMs / 60_000)} min`;
      throw new IntegrationError(`${name} allows no more requests just now; the next may be sent in ${wait}.`, {
        kind: "transient",
        code: "rate-limited",
        retry: { afterMs },
      });
    }
    for (let turn = 0; turn < count; turn++) turns.push(startAt + turn * everyMs);
  }

  async function nextTurn(signal: AbortSignal | undefined): Promise<void> {
    if (isFree(store.last(), limits, store.now())) return;
    waiting++;
    try {
      for (;;) {
        const now = store.now();
        const { blockedUntil } = store.last();
        turns = turns.filter((at) => at > now - STALE_MS && at >= blockedUntil);
        const at = turns.shift();
        if (at !== undefined) {
          if (at > now) await new Promise((done) => setTimeout(done, at - now));
          signal?.throwIfAborted();
          if (at >= store.last().blockedUntil) return;
          continue;
        }
        taking ??= take().finally(() => {
          taking = undefined;
        });
        await taking;
        signal?.throwIfAborted();
      }
    } finally {
      waiting--;
    }
  }

  const slots = limits.concurrent === undefined ? undefined : createSlots(store, limits.concurrent);

  return {
    async turn(signal) {
      await slots?.take(signal);
      try {
        await nextTurn(signal);
      } catch (error) {
        slots?.give();
        throw error;
      }
      beforeSending?.();
    },
    accepted() {
      accepted++;
      const now = store.now();
      if (now - countedFrom > WINDOW_MS) {
        before = now - countedFrom < 2 * WINDOW_MS ? { from: countedFrom, count: counted } : { from: now, count: 0 };
        countedFrom = now;
        counted = 0;
      }
      counted++;
    },
    async limited(sentAt, retryAfterMs) {
      const booked = accepted;
      accepted = 0;
      turns = [];
      await store.change((state, now) => ({
        state: refused(state, {
          ...(state.rate === null
            ? { accepted: before.count + counted, overMs: Math.max(1, now - before.from) }
            : { accepted: booked, overMs: 0 }),
          sentAt,
          now,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        }),
        result: undefined,
      }));
    },
    done() {
      slots?.give();
    },
  };
}

/** So often slots are renewed, and asked for while there are none. */
const RENEW_MS = 1_000;
const ASK_AGAIN_MS = 100;

/** This process's part of the requests that may be under way at once. */
function createSlots(store: PaceStore, limit: number) {
  const process = `p${Math.random().toString(36).slice(2, 12)}`;
  let allowed = 0;
  let busy = 0;
  let wanted = 0;
  let askedAt = 0;
  let asking: Promise<void> | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;

  const ask = () => {
    asking ??= store
      .change((state, now) => {
        const { slots, count } = takeSlots(state.slots, limit, { process, wanted: busy + wanted, busy, now });
        return { state: { ...state, slots }, result: count };
      })
      .then((count) => {
        allowed = count;
        askedAt = Date.now();
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };

  return {
    async take(signal?: AbortSignal) {
      clearTimeout(idle);
      wanted++;
      try {
        while (busy >= allowed || Date.now() - askedAt > RENEW_MS) {
          await ask();
          signal?.throwIfAborted();
          if (busy < allowed) break;
          await new Promise((done) => setTimeout(done, ASK_AGAIN_MS));
          signal?.throwIfAborted();
        }
        busy++;
      } finally {
        wanted--;
      }
    },
    give() {
      busy--;
      if (busy > 0 || wanted > 0) return;
      idle = setTimeout(() => {
        allowed = 0;
        ask().catch(() => {}); // they lapse by themselves
      }, 50);
      if (typeof idle === "object") idle.unref?.();
    },
  };
}
