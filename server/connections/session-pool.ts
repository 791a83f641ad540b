/**
 * Open sessions of this process, shared by everyone who works with the same connection and closed when nobody has used
 * them for a while. A connection that was edited gets a new session; the old one closes when its last user is done.
 */
import type { ConnectorSession } from "../../connectors/sdk/types.ts";
import type { Connection } from "../db/generated/client.ts";
import { contentKey, openOptions } from "./stored-connection.ts";

const idleMs = 60_000;

type Entry = { session: Promise<ConnectorSession>; users: number; idle?: NodeJS.Timeout; stale: boolean };

const shared = globalThis as typeof globalThis & { plumblineSessions?: Map<string, Entry> };
const entries = () => {
  shared.plumblineSessions ??= new Map();
  return shared.plumblineSessions;
};

/** A new session, not shared. The caller closes it. */
export async function openFresh(row: Connection): Promise<ConnectorSession> {
  const { connector, options } = openOptions(row);
  return connector.open(options);
}

/** A shared session; call `release` exactly once. */
export async function borrow(row: Connection): Promise<{ session: ConnectorSession; release(): void }> {
  const key = contentKey(row);
  let entry = entries().get(key);
  if (!entry) {
    entry = { session: openFresh(row), users: 0, stale: false };
    entries().set(key, entry);
    const made = entry;
    made.session.catch(() => {
      if (entries().get(key) === made) entries().delete(key);
    });
  }
  clearTimeout(entry.idle);
  entry.users += 1;
  const borrowed = entry;
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    borrowed.users -= 1;
    if (borrowed.users > 0) return;
    borrowed.idle = setTimeout(() => close(key, borrowed), borrowed.stale ? 0 : idleMs);
    borrowed.idle.unref();
  };
  try {
    return { session: await entry.session, release };
  } catch (error) {
    release();
    throw error;
  }
}

function close(key: string, entry: Entry): void {
  if (entry.users > 0) return;
  if (entries().get(key) === entry) entries().delete(key);
  clearTimeout(entry.idle);
  void entry.session.then((session) => session.close()).catch(() => {});
}

/** Forgets the session of a connection that was edited or removed; whoever still uses it may finish. */
export function retire(row: Connection): void {
  const key = contentKey(row);
  const entry = entries().get(key);
  if (!entry) return;
  entry.stale = true;
  entries().delete(key);
  if (entry.users === 0) close(key, entry);
}

/** Closes every session, for the end of a process or test. */
export async function closeSessions(): Promise<void> {
  const all = [...entries().values()];
  entries().clear();
  await Promise.allSettled(
    all.map(async ({ session, idle }) => {
      clearTimeout(idle);
      await (await session).close();
    }),
  );
}
