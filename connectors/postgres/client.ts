/** Opens database sessions: a small pool for short work, and a session of its own for each long read. */
import { Socket, type TcpSocketConnectOpts } from "node:net";
import pg from "pg";
import { IntegrationError } from "../sdk/errors.ts";
import { assertAllowedHost, type NetworkRule, pinnedLookup } from "../sdk/network.ts";
import { connectFailure, type Place } from "./errors.ts";
import { gather } from "./gather.ts";

export type Access = Place & { password: () => string; ssl: "disable" | "require" | "verify-full"; rule: NetworkRule };

/** How text forms are exchanged, and limits, so that nothing hangs for ever. */
const sessionSql = ({
  statement,
  idle,
  reads,
}: Limits) => `SELECT set_config(name, value, false) FROM (VALUES ('TimeZone','UTC'), ('DateStyle','ISO, YMD'),
  ('IntervalStyle','postgres'), ('bytea_output','hex'), ('extra_float_digits','1'), ('statement_timeout','${statement}'),
  ('lock_timeout','10s'), ('idle_in_transaction_session_timeout','${idle}')${reads ? SNAPSHOTS : ""}) s(name, value)`;

/** Every transaction sees the data of one moment and writes nothing, also one that a single statement is. */
const SNAPSHOTS = ", ('default_transaction_isolation','repeatable read'), ('default_transaction_read_only','on')";

type Limits = { statement: string; idle: string; reads: boolean };
const SHORT: Limits = { statement: "30s", idle: "10min", reads: false };
/** A first page may have to sort a large table; a slow consumer may leave the transaction idle for long. */
const LONG: Limits = { statement: "15min", idle: "0", reads: true };

/** Values as the server prints them. */
export const rawTypes: pg.CustomTypesConfig = {
  getTypeParser: (() => (raw: string) => raw) as pg.CustomTypesConfig["getTypeParser"],
};

/** Sessions that were read from and wait for the next read: for so long, and so many at most. */
const RESTING_MS = 10_000;
const MOST_RESTING = 32;
/** Sessions for short work. Runs side by side write side by side, and their ledger entries go together (decision 0010). */
const MOST_SHORT = 8;
/** So long one of our own sessions is waited for when the server lets no more in. */
const SCARCE_MS = 10_000;
const SCARCE_EVERY_MS = 50;

/**
 * Sessions of one connection. `use` lends one of a few for short work and takes it back; `dedicated` opens one
 * for reading that the caller ends or lets `rest`, so that reads that last for hours never starve the writes. One that
 * rests is taken by the next read: opening one costs both sides more than a small read does.
 */
export function openClients(access: Access) {
  const idle: pg.Client[] = [];
  const resting: { client: pg.Client; wake: NodeJS.Timeout }[] = [];
  const waiting: ((client: pg.Client | undefined) => void)[] = [];
  const live = new Set<pg.Client>();
  let lent = 0;
  let closed = false;

  const dedicated = async (): Promise<pg.Client> => rested() ?? (await fresh(LONG, rested));

  function rested(): pg.Client | undefined {
    for (let one = resting.pop(); one; one = resting.pop()) {
      clearTimeout(one.wake);
      if (live.has(one.client)) return one.client;
    }
    return undefined;
  }

  /** Takes back a session that is in no transaction and busy with nothing. */
  async function rest(client: pg.Client): Promise<void> {
    if (closed || resting.length >= MOST_RESTING || !live.has(client)) return void (await end(client));
    const wake = setTimeout(() => {
      const place = resting.findIndex((rested) => rested.client === client);
      if (place >= 0) resting.splice(place, 1);
      void end(client);
    }, RESTING_MS);
    wake.unref();
    resting.push({ client, wake });
  }

  /** @param free a session of ours that will do as well, should the server have none left */
  async function fresh(limits: Limits, free: () => pg.Client | undefined): Promise<pg.Client> {
    for (const until = Date.now() + SCARCE_MS; ; ) {
      try {
        return await opened(limits);
      } catch (error) {
        const scarce = error instanceof IntegrationError && error.code === "too-many-connections";
        if (!scarce || live.size === 0 || closed || Date.now() > until) throw error;
        const spare = limits.reads ? idle.pop() : rested(); // one of the other kind makes room
        if (spare) await end(spare);
        await new Promise((next) => setTimeout(next, SCARCE_EVERY_MS));
        const found = free();
        if (found) return found;
      }
    }
  }

  async function opened(limits: Limits): Promise<pg.Client> {
    const client = await connect(access, limits);
    live.add(client);
    client.on("end", () => live.delete(client));
    if (closed) await end(client);
    return client;
  }

  async function take(): Promise<pg.Client> {
    if (closed) throw closedFailure(access);
    const ready = idle.pop();
    if (ready) {
      lent++;
      return ready;
    }
    if (lent + idle.length >= MOST_SHORT) {
      const handed = await new Promise<pg.Client | undefined>((done) => waiting.push(done));
      if (handed) return handed;
      return take();
    }
    lent++;
    try {
      return await fresh(SHORT, () => idle.pop());
    } catch (error) {
      lent--;
      waiting.shift()?.(undefined);
      throw error;
    }
  }

  function give(client: pg.Client, healthy: boolean): void {
    const next = waiting.shift();
    if (healthy && !closed && next) {
      next(client);
      return;
    }
    lent--;
    if (healthy && !closed) idle.push(client);
    else void end(client);
    next?.(undefined);
  }

  return {
    access,
    dedicated,
    rest,
    end,
    /** Lends a session to `work`. It goes back clean or is closed: after an error it is rolled back first. */
    async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
      const client = await takeAlive(take, give, live);
      try {
        const result = await work(client);
        give(client, live.has(client));
        return result;
      } catch (error) {
        const clean =
          live.has(client) &&
          (await client.query("ROLLBACK").then(
            () => true,
            () => false,
          ));
        give(client, clean);
        throw error;
      }
    },
    /** Asks the server to stop what `client` is doing; best effort. */
    async cancel(client: pg.Client): Promise<void> {
      const pid = (client as pg.Client & { processID?: number }).processID;
      const helper = await connect(access, SHORT).catch(() => undefined);
      await helper?.query("SELECT pg_cancel_backend($1)", [pid]).catch(() => undefined);
      if (helper) await end(helper);
    },
    async close(): Promise<void> {
      closed = true;
      for (const wake of waiting.splice(0)) wake(undefined);
      for (const { wake } of resting.splice(0)) clearTimeout(wake);
      await Promise.all([...live].map(end));
    },
  };
}

export type Clients = ReturnType<typeof openClients>;

/** An idle session may have died meanwhile (server restart); such ones are passed over. */
async function takeAlive(
  take: () => Promise<pg.Client>,
  give: (client: pg.Client, healthy: boolean) => void,
  live: Set<pg.Client>,
): Promise<pg.Client> {
  for (;;) {
    const client = await take();
    if (live.has(client)) return client;
    give(client, false);
  }
}

const closedFailure = (place: Place) =>
  new IntegrationError(`“${place.name}”: this connection has been closed.`, { kind: "transient", code: "closed" });

const end = (client: pg.Client) => client.end().catch(() => undefined);

async function connect(access: Access, limits: Limits): Promise<pg.Client> {
  const { host, port, user, database, password, ssl, rule } = access;
  try {
    if (!host.startsWith("/")) await assertAllowedHost(host, rule);
    else if (!rule.allowPrivateNetwork) await assertAllowedHost("127.0.0.1", rule); // a socket file is on this machine
    const client = new pg.Client({
      host,
      port,
      user,
      database,
      // A function, so that printing a client does not show it, and PGPASSWORD does not replace an empty one.
      password,
      ssl: ssl === "disable" ? false : { rejectUnauthorized: ssl === "verify-full" },
      stream: host.startsWith("/") ? undefined : () => pinnedSocket(rule),
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      application_name: "plumbline",
      client_encoding: "UTF8",
    });
    client.on("error", () => undefined); // a lost session shows in the next query
    try {
      await client.connect();
      await client.query(sessionSql(limits));
    } catch (error) {
      void end(client);
      throw error;
    }
    return client;
  } catch (error) {
    throw connectFailure(access, error);
  }
}

/** A socket that judges every address at the moment it connects. */
function pinnedSocket(rule: NetworkRule): Socket {
  const socket = new Socket();
  const plain = socket.connect.bind(socket) as (options: TcpSocketConnectOpts) => Socket;
  socket.connect = ((port: number, host: string) =>
    plain({ port, host, lookup: pinnedLookup(rule) })) as Socket["connect"];
  return socket.once("connect", () => gather(socket)); // not before: connecting takes back what was put over `write`
}
