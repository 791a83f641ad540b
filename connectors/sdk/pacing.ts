/**
 * What is known of how fast a system lets us ask, as plain data, and the two moves on it: taking turns and being refused.
 * Kept in memory for one session, or in a row that all workers share. Times are ms since the epoch.
 *
 * Nothing limits a system until its first 429. Then the rate starts at what was accepted in the last second and grows
 * quickly until the next refusal, which shows where the limit lies; from then on it stays just below and feels its way up.
 * A server that says "wait 1 s" while its bucket fills in 0.2 s would otherwise be idle most of the time. Refusals that come
 * however slowly we ask say nothing of the rate (noise.ts).
 */
import { hear, type Noise, noNoise } from "./noise.ts";
import type { SlotsByProcess } from "./slots.ts";

export type PaceState = {
  /** requests per second; null: no limit is known */
  rate: number | null;
  /** requests taken just before the first refusal, and within how long: it tells the size of the system's bucket */
  burst: number;
  burstMs: number;
  /** the rate when the last wait ended */
  rateThen: number;
  /** about the rate at which the last refusal came: approached slowly, left behind quickly (as TCP's CUBIC does) */
  ceiling: number | null;
  /** accepted in about the last second, fading */
  recent: number;
  recentAt: number;
  /** accepted since the last wait ended, and when that was */
  accepted: number;
  since: number;
  /** length of the last wait */
  waitedMs: number;
  blockedUntil: number;
  /** turns are given away until then */
  pacedUntil: number;
  /** when the minute's and the day's budget would be full again */
  minuteFullAt: number;
  dayFullAt: number;
  /** refusals that do not depend on the rate */
  noise: Noise;
  /** who may have how many requests under way, by process; only where their number is limited */
  slots: SlotsByProcess;
};

/** Set by a person; absent means no limit. */
export type PaceLimits = { perSecond?: number; perMinute?: number; perDay?: number; concurrent?: number };

export const unlimited: PaceState = {
  rate: null,
  burst: 0,
  burstMs: 0,
  rateThen: 0,
  ceiling: null,
  recent: 0,
  recentAt: 0,
  accepted: 0,
  since: 0,
  waitedMs: 0,
  blockedUntil: 0,
  pacedUntil: 0,
  minuteFullAt: 0,
  dayFullAt: 0,
  noise: noNoise,
  slots: {},
};

/** Turns: the first at `startAt`, then one every `everyMs`. None (`count` 0): ask again at `startAt`. */
export type Turns = { count: number; startAt: number; everyMs: number };

/** Turns are taken for so long ahead: about ten exchanges with the shared row per second and process. */
const BLOCK_MS = 100;
/** So much lost time may be caught up on. */
const CREDIT_MS = 60;
/** Nobody reserves turns further ahead than this; a longer wait is said, not slept. */
export const LONGEST_TURN_MS = 5_000;

/** Growth of the rate per second (e-fold) until the limit was met once. */
const SEARCHING = 1.2;
const FASTEST = 100_000;
/** After a refusal the rate starts again this much below the ceiling, and is back at it after `BACK_S`. */
const BELOW = 0.03;
const BACK_S = 12;
/** Where refusals do not depend on the rate, none of them is waited for longer than this. */
const NOISE_WAIT_MS = 200;

/** Has nothing to be asked for: no limit was set or learnt, and no wait is on. */
export function isFree(state: PaceState, limits: PaceLimits, now: number): boolean {
  return (
    state.rate === null &&
    state.blockedUntil <= now &&
    limits.perSecond === undefined &&
    limits.perMinute === undefined &&
    limits.perDay === undefined
  );
}

/** Books what was accepted since the last exchange and takes up to `wanted` turns. */
export function takeTurns(
  before: PaceState,
  limits: PaceLimits,
  { wanted, accepted, now }: { wanted: number; accepted: number; now: number },
): { state: PaceState; turns: Turns } {
  const state = booked(before, accepted, now);
  const rate = Math.min(state.rate ?? Number.POSITIVE_INFINITY, limits.perSecond ?? Number.POSITIVE_INFINITY);
  const budgets = [
    { full: "minuteFullAt", perWindow: limits.perMinute, windowMs: 60_000 },
    { full: "dayFullAt", perWindow: limits.perDay, windowMs: 86_400_000 },
  ] as const;
  const budgeted = budgets.some(({ perWindow }) => perWindow !== undefined);
  const ahead = Math.max(1, Math.ceil((rate * BLOCK_MS) / 1000));
  let count = budgeted ? wanted : Math.max(wanted, ahead);
  if (Number.isFinite(rate)) count = Math.min(count, ahead);
  let startAt = Math.max(now, state.blockedUntil);
  const everyMs = Number.isFinite(rate) ? 1000 / rate : 0;
  if (everyMs > 0) startAt = Math.max(startAt - CREDIT_MS, state.pacedUntil, state.blockedUntil);
  const next = { ...state };
  for (const { full, perWindow, windowMs } of budgets) {
    if (perWindow === undefined) continue;
    const each = windowMs / perWindow;
    const fullAt = Math.max(state[full], now);
    count = Math.max(1, Math.min(count, Math.floor((now + windowMs - fullAt) / each)));
    startAt = Math.max(startAt, fullAt + count * each - windowMs);
    next[full] = fullAt + count * each;
  }
  // taken further ahead, turns would follow the rate of a while ago
  if (startAt > now + LONGEST_TURN_MS || (everyMs > 0 && startAt > now + BLOCK_MS + everyMs))
    return { state, turns: { count: 0, startAt, everyMs } };
  if (everyMs > 0) next.pacedUntil = startAt + count * everyMs;
  return { state: next, turns: { count, startAt, everyMs } };
}

/**
 * Books a refusal (429). Several requests that were under way together count once.
 *
 * @param accepted since the last exchange; where nothing limited us, in the last `overMs` before now
 * @param sentAt when the refused request was sent
 * @param retryAfterMs how long the system asks us to wait; obeyed
 */
export function refused(
  before: PaceState,
  {
    accepted,
    overMs,
    sentAt,
    retryAfterMs,
    now,
  }: { accepted: number; overMs: number; sentAt: number; retryAfterMs?: number; now: number },
): PaceState {
  const unpaced = before.rate === null;
  const state = unpaced
    ? { ...before, accepted, recent: accepted / Math.max(1, overMs / 1000), recentAt: now, since: now - overMs }
    : booked(before, accepted, now);
  if (now < state.blockedUntil || sentAt < state.blockedUntil) return state;
  const waitMs = retryAfterMs ?? Math.max(200, state.rate === null ? 0 : 2_000 / state.rate);
  const blockedUntil = now + waitMs;
  // Others may have used the window up: where nothing of ours was taken, the refusal says how long to wait, not how fast to ask.
  if (state.accepted === 0 && waitMs > LONGEST_TURN_MS) {
    const rate = state.rate ?? 1;
    return {
      ...state,
      rate,
      rateThen: rate,
      since: blockedUntil,
      waitedMs: waitMs,
      blockedUntil,
      pacedUntil: blockedUntil,
    };
  }
  const ceiling = waitMs > LONGEST_TURN_MS ? windowRate(state, blockedUntil) : unpaced ? null : rateOf(state, now);
  const rate = ceiling === null ? Math.max(1, state.recent) : ceiling * (1 - BELOW);
  const noise =
    ceiling === null || waitMs > LONGEST_TURN_MS ? noNoise : hear(state.noise, { rate, accepted: state.accepted, now });
  if (noise.share !== null) return throughNoise(state, noise, now, retryAfterMs);
  return {
    ...state,
    rate,
    rateThen: rate,
    ceiling,
    ...(unpaced ? { burst: accepted, burstMs: overMs } : {}),
    accepted: 0,
    since: blockedUntil,
    waitedMs: waitMs,
    blockedUntil,
    pacedUntil: blockedUntil,
    noise,
  };
}

/** The rate a refusal tells of; behind noise, what got through it. */
function rateOf(state: PaceState, now: number): number {
  const { share, at, accepted } = state.noise;
  if (share === null) return allowedRate(state, now);
  return Math.max(0.02, ((accepted + state.accepted) * 1000) / Math.max(1, now - at));
}

/** A refusal that says nothing of the rate: a short wait, and on as before. */
function throughNoise(state: PaceState, noise: Noise, now: number, retryAfterMs: number | undefined): PaceState {
  const begins = state.noise.share === null;
  const rate = begins || state.rate === null ? noise.rate : state.rate;
  const waitMs = retryAfterMs ?? Math.min(NOISE_WAIT_MS, 2_000 / rate);
  const blockedUntil = now + waitMs;
  return {
    ...state,
    ...(begins ? { ceiling: null, since: blockedUntil } : {}),
    rate,
    rateThen: rate,
    accepted: 0,
    waitedMs: waitMs,
    blockedUntil,
    pacedUntil: blockedUntil,
    noise,
  };
}

/** A long wait is the rest of a window that began when the last wait ended: its allowance is what was accepted in it. */
function windowRate({ accepted, since }: PaceState, endsAt: number): number {
  return Math.max(0.02, (accepted * 1000) / (endsAt - since));
}

/**
 * The rate a bucket of the known size must be filled at to be empty just now, after what we took from it since the last
 * wait; never less than what was achieved with that wait.
 */
function allowedRate(state: PaceState, now: number): number {
  const { accepted, since, waitedMs, rate, rateThen, recent } = state;
  const seconds = Math.max(0.001, (now - since) / 1000);
  const achieved = accepted / (seconds + waitedMs / 1000);
  const growth = Math.log(Math.max(1, (rate ?? 1) / rateThen)) / seconds;
  const share = growth > 0 ? (Math.exp(growth * seconds) - 1) / growth : seconds;
  const takenThen = accepted / share;
  const left = (filledAt: number) => {
    const size = bucketSize(state, filledAt);
    let tokens = Math.min(size, (filledAt * waitedMs) / 1000);
    const step = seconds / 200;
    for (let at = 0.5; at < 200; at++) {
      tokens = Math.min(size, tokens + (filledAt - takenThen * Math.exp(growth * at * step)) * step);
    }
    return tokens;
  };
  let [low, high] = [achieved, Math.max(achieved, takenThen * Math.exp(growth * seconds))];
  for (let halving = 0; halving < 20; halving++) {
    const middle = (low + high) / 2;
    if (left(middle) < 0) low = middle;
    else high = middle;
  }
  // What looks like a large bucket may be a window of a second. Where waiting fills it again, being refused costs nothing,
  // and the higher of the two is tried.
  const large = bucketSize(state, high) * 1000 >= high * waitedMs;
  return Math.max(0.02, high, large ? 0.97 * Math.min(rate ?? 0, recent) : 0);
}

/** Of a bucket filled at this rate: what was taken before the first refusal, less what flowed in meanwhile. */
function bucketSize({ burst, burstMs }: PaceState, filledAt: number): number {
  return Math.max(1, burst - (filledAt * burstMs) / 1000);
}

function booked(state: PaceState, accepted: number, now: number): PaceState {
  const seconds = Math.max(0, now - state.recentAt) / 1000;
  const recent = state.recent * Math.exp(-Math.min(50, seconds)) + accepted;
  let { rate } = state;
  if (rate !== null && accepted > 0) {
    if (state.ceiling === null) rate = Math.min(FASTEST, rate * Math.exp(SEARCHING * Math.min(0.5, seconds)));
    else {
      const sinceS = Math.max(0, now - state.since) / 1000;
      // where the bucket is full again after the wait, a refusal costs little, and the limit is felt for more often
      const large = bucketSize(state, state.ceiling) * 1000 > state.ceiling * state.waitedMs;
      const backS = large ? BACK_S / 4 : BACK_S;
      rate = state.ceiling * (1 + BELOW * ((sinceS - backS) / backS) ** 3);
    }
  }
  const since = state.since === 0 ? now : state.since;
  return { ...state, rate, recent, recentAt: now, accepted: state.accepted + accepted, since };
}
