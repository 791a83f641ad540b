import { failureOf } from "../../connectors/sdk/errors.ts";
import type { SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import type { ConnectionShape } from "../../engine/steps/define-step.ts";
import type { Connection } from "../db/generated/client.ts";
import { asUseCaseError } from "../failure.ts";
import { within } from "./limit.ts";
import { borrow } from "./session-pool.ts";
import { contentKey } from "./stored-connection.ts";

export const DISCOVER_LIMIT_MS = 15_000;
const freshAfterFailureMs = 5_000;
/** What was cheap to ask is remembered shortly: someone may have just made a table. */
const freshAfter = (tookMs: number) => Math.min(Math.max(50 * tookMs, 2_000), 30_000);
/** Up to here an answer is cheap enough to ask again whenever it seems out of date. */
const cheapMs = 1_000;
/** So old an answer still serves who is in a hurry. */
const hurriedMs = 60_000;

type Found = { streams: StreamInfo[]; sinks: SinkInfo[] };
/** `cheap`: it was answered, and quickly. `last`: while it is being asked, the answer before, and how long that serves the hurried */
type Entry = { found: Promise<Found>; until: number; answered: boolean; cheap: boolean; last?: Last | undefined };
type Last = { found: Promise<Found>; until: number };
/**
 * How far to trust what is remembered: `refresh` asks again at all events, `doubt` where that is cheap, because what is
 * remembered does not fit what is wanted. `hurry`: what was true a minute ago will do now, and is asked anew meanwhile.
 */
export type Asking = { refresh?: boolean | undefined; doubt?: boolean | undefined; hurry?: boolean | undefined };

const shared = globalThis as typeof globalThis & { plumblineDiscovered?: Map<string, Entry> };

/**
 * Streams and sinks of a connection, as it has them now or had them a moment ago: 2 s for a system that is quick to
 * ask, up to 30 s for a slow one.
 * @throws IntegrationError when it cannot be asked, after 15 s at most
 */
export function discover(
  row: Connection,
  { refresh = false, doubt = false, hurry = false }: Asking = {},
): Promise<Found> {
  shared.plumblineDiscovered ??= new Map();
  const cache = shared.plumblineDiscovered;
  const key = contentKey(row);
  const now = Date.now();
  const known = cache.get(key);
  const last = known?.answered ? { found: known.found, until: known.until + hurriedMs } : known?.last;
  const serves = hurry && last && last.until > now ? last.found : undefined;
  if (known && !refresh && !(doubt && known.cheap) && known.until > now) return serves ?? known.found;
  for (const [other, { until }] of cache) if (until + hurriedMs < now) cache.delete(other);
  const entry: Entry = { found: ask(row), until: now + 2 * DISCOVER_LIMIT_MS, answered: false, cheap: false, last };
  cache.set(key, entry);
  entry.found.then(
    () => {
      const tookMs = Date.now() - now;
      entry.until = Date.now() + freshAfter(tookMs);
      entry.answered = true;
      entry.cheap = tookMs < cheapMs;
      entry.last = undefined;
    },
    () => {
      entry.until = Date.now() + freshAfterFailureMs;
      entry.last = undefined;
    },
  );
  return serves ?? entry.found;
}

async function ask(row: Connection): Promise<Found> {
  const { session, release } = await within(row.name, DISCOVER_LIMIT_MS, () => borrow(row));
  try {
    return await within(row.name, DISCOVER_LIMIT_MS, async (signal) => {
      const [streams, sinks] = await Promise.all([session.streams(signal), session.sinks(signal)]);
      return { streams, sinks };
    });
  } finally {
    release();
  }
}

/** What validation is told of a connection; never throws: `unavailable` says why nothing is known. */
export async function shapeOf(row: Connection, options: Asking = {}): Promise<ConnectionShape> {
  const shape = { name: row.name, connector: row.connector };
  try {
    return { ...shape, ...(await discover(row, options)) };
  } catch (error) {
    return { ...shape, unavailable: asUseCaseError(error)?.message ?? failureOf(error).message };
  }
}
