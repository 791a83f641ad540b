import { failureOf } from "../../connectors/sdk/errors.ts";
import type { SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import type { ConnectionShape } from "../../engine/steps/define-step.ts";
import type { Connection } from "../db/generated/client.ts";
import { asUseCaseError } from "../failure.ts";
import { within } from "./limit.ts";
import { borrow } from "./session-pool.ts";
import { contentKey } from "./stored-connection.ts";

export const DISCOVER_LIMIT_MS = 15_000;
const freshMs = 30_000;
const freshAfterFailureMs = 5_000;

type Found = { streams: StreamInfo[]; sinks: SinkInfo[] };
type Entry = { found: Promise<Found>; until: number };

const shared = globalThis as typeof globalThis & { plumblineDiscovered?: Map<string, Entry> };

/**
 * Streams and sinks of a connection, as it has them now or had them less than 30 s ago.
 *
 * @param options.refresh ask the system again whatever is remembered
 * @throws IntegrationError when it cannot be asked, after 15 s at most
 */
export function discover(row: Connection, { refresh = false } = {}): Promise<Found> {
  shared.plumblineDiscovered ??= new Map();
  const cache = shared.plumblineDiscovered;
  const key = contentKey(row);
  const known = cache.get(key);
  if (known && !refresh && known.until > Date.now()) return known.found;
  for (const [other, { until }] of cache) if (until < Date.now()) cache.delete(other);
  const entry: Entry = { found: ask(row), until: Date.now() + DISCOVER_LIMIT_MS + freshMs };
  cache.set(key, entry);
  entry.found.then(
    () => {
      entry.until = Date.now() + freshMs;
    },
    () => {
      entry.until = Date.now() + freshAfterFailureMs;
    },
  );
  return entry.found;
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
export async function shapeOf(row: Connection, options: { refresh?: boolean } = {}): Promise<ConnectionShape> {
  const shape = { name: row.name, connector: row.connector };
  try {
    return { ...shape, ...(await discover(row, options)) };
  } catch (error) {
    return { ...shape, unavailable: asUseCaseError(error)?.message ?? failureOf(error).message };
  }
}
