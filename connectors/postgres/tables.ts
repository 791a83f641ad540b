/** The tables of one session, as last seen. */
import { publicName, readCatalog, type Table, tableMissing } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble } from "./errors.ts";

/** How long a look at the catalogue is trusted. A change of the table that breaks a statement is noticed at once anyway. */
const trustedMs = 30_000;

export type Tables = ReturnType<typeof openTables>;

export function openTables(clients: Clients, schema: string) {
  const seen = new Map<string, { table: Table; shape: string; at: number }>();
  /** what the last look at all tables found: the first `get` after it need not ask again */
  let latest: { tables: Map<string, Table>; at: number } | undefined;
  /** looks under way, by the table's name: who asks meanwhile shares their answer */
  let looking = new Map<string | null, Promise<Table[]>>();

  const look = (name: string | null): Promise<Table[]> => {
    const underWay = looking;
    const known = underWay.get(name);
    if (known) return known;
    const found = clients
      .use(async (client) => {
        try {
          return await readCatalog(client, schema, name);
        } catch (error) {
          const what = "looking at its tables";
          throw callFailure(clients.access, error, what) ?? serverTrouble(clients.access, error, what);
        }
      })
      .finally(() => underWay.delete(name)); // also when no connection was to be had
    underWay.set(name, found);
    return found;
  };

  const keep = (name: string, table: Table, at = Date.now()): Table => {
    const known = seen.get(name);
    const shape = JSON.stringify({ ...table, rows: 0 });
    const same = known?.shape === shape ? known.table : table;
    seen.set(name, { table: same, shape, at });
    return same;
  };

  return {
    schema,
    /** All tables as they are now; what was known of them is renewed on the way. */
    async all(): Promise<Table[]> {
      const at = Date.now();
      const underWay = looking;
      const tables = await look(null);
      const byName = new Map(tables.map((table) => [publicName(table, schema), table]));
      for (const name of [...seen.keys()]) {
        const table = byName.get(name);
        if (table) keep(name, table);
        else seen.delete(name);
      }
      if (looking === underWay) latest = { tables: byName, at }; // nothing was forgotten meanwhile
      return tables;
    },
    /** Looks anew at the next `get`. */
    forget(name: string) {
      seen.delete(name);
      latest = undefined;
      looking = new Map();
    },
    /** The table of this name; the same object as long as nothing of it changed. */
    async get(name: string): Promise<Table> {
      const since = Date.now() - trustedMs;
      const known = seen.get(name);
      if (known && known.at > since) return known.table;
      const listed = latest && latest.at > since ? latest.tables.get(name) : undefined;
      if (latest && listed) return keep(name, listed, latest.at);
      const table = (await look(name)).find((one) => publicName(one, schema) === name);
      if (!table) {
        seen.delete(name);
        throw tableMissing(clients.access.name, schema, name);
      }
      return keep(name, table);
    },
  };
}
