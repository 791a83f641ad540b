/**
 * Notifications from PostgreSQL: one LISTEN client per process and database, shared by all subscribers, which reconnects
 * by itself. What was sent while it was away is lost; subscribers get `onGap` then and read the state again.
 */
import pg from "pg";
import { databaseUrl } from "./prisma.ts";

/** The channel of live updates. Payload: JSON `{ ws: workspaceId, type, … }`, at most 8,000 bytes. */
export const LIVE_CHANNEL = "plumbline";

export type NotificationHandler = (payload: string) => void;
type Subscriber = { handler: NotificationHandler; onGap?: () => void };

class Listener {
  readonly #url: string;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  #client: pg.Client | undefined;
  #connecting: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #failures = 0;

  constructor(url: string) {
    this.#url = url;
  }

  async add(channel: string, subscriber: Subscriber): Promise<() => void> {
    const group = this.#subscribers.get(channel) ?? new Set();
    const first = group.size === 0;
    this.#subscribers.set(channel, group.add(subscriber));
    const hadClient = this.#client !== undefined;
    await this.#connect();
    // a fresh client listens to every channel known when it connected; an older one must be told of a new channel
    if (first && hadClient) await this.#client?.query(`LISTEN ${pg.escapeIdentifier(channel)}`).catch(() => {});
    return () => void group.delete(subscriber);
  }

  #connect(): Promise<void> {
    if (this.#client || this.#closed) return Promise.resolve();
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: "plumbline-live",
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    client.on("notification", ({ channel, payload = "" }) => {
      for (const { handler } of this.#subscribers.get(channel) ?? []) handler(payload);
    });
    const lost = () => {
      if (this.#client === client) this.#client = undefined;
      this.#reconnectLater();
    };
    client.on("error", lost);
    client.on("end", lost);
    try {
      await client.connect();
      for (const channel of this.#subscribers.keys()) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      const wasAway = this.#failures > 0;
      this.#failures = 0;
      this.#client = client;
      if (wasAway) for (const group of this.#subscribers.values()) for (const one of group) one.onGap?.();
    } catch {
      void client.end().catch(() => {});
      this.#reconnectLater();
    }
  }

  #reconnectLater(): void {
    if (this.#closed || this.#retry) return;
    this.#failures += 1;
    const waitMs = Math.min(5_000, 100 * 2 ** Math.min(this.#failures, 6));
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#connect();
    }, waitMs);
    this.#retry.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#connecting;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }
}

const shared = globalThis as typeof globalThis & { plumblineListeners?: Map<string, Listener> };

/**
 * Calls `handler` with the payload of each notification on `channel`.
 *
 * @param options.onGap called after the connection was lost and is back: notifications may have been missed
 * @param options.url database to listen to; default DATABASE_URL
 * @returns ends this subscription
 */
export function subscribe(
  channel: string,
  handler: NotificationHandler,
  { onGap, url = databaseUrl() }: { onGap?: () => void; url?: string } = {},
): Promise<() => void> {
  shared.plumblineListeners ??= new Map();
  const listener = shared.plumblineListeners.get(url) ?? new Listener(url);
  shared.plumblineListeners.set(url, listener);
  return listener.add(channel, onGap ? { handler, onGap } : { handler });
}

/** Ends the LISTEN client of a database (default DATABASE_URL). */
export async function closeListener(url: string = databaseUrl()): Promise<void> {
  const listener = shared.plumblineListeners?.get(url);
  shared.plumblineListeners?.delete(url);
  await listener?.close();
}
