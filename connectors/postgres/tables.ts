/** The tables of one session, as last seen. */
import { publicName, readCatalog, type Table, tableMissing } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble } from "./errors.ts";

/** How long a look at the catalogue is trusted. A change of the table that breaks a statement is noticed at once anyway. */
const trustedMs = 30_000;

export type Tables = ReturnType<typeof openTables>;

export function openTables(clients: Clients, schema: string) {
  const seen = new Map<string, { table: Table; shape: string; at: number }>();

  const look = (name: string | null) =>
    clients.use(async (client) => {
      try {
        return await readCatalog(client, schema, name);
      } catch (error) {
        const what = "looking at its tables";
        throw callFailure(clients.access, error, what) ?? serverTrouble(clients.access, error, what);
      }
    });

  const keep = (name: string, table: Table): Table => {
    const known = seen.get(name);
    const shape = JSON.stringify({ ...table, rows: 0 });
    const same = known?.shape === shape ? known.table : table;
    seen.set(name, { table: same, shape, at: Date.now() });
    return same;
  };

  return {
    schema,
    /** All tables as they are now; what was known of them is renewed on the way. */
    async all(): Promise<Table[]> {
      const tables = await look(null);
      const byName = new Map(tables.map((table) => [publicName(table, schema), table]));
      for (const name of [...seen.keys()]) {
        const table = byName.get(name);
        if (table) keep(name, table);
        else seen.delete(name);
      }
      return tables;
    },
    /** Looks anew at the next `get`. */
    forget: (name: string) => seen.delete(name),
    /** The table of this name; the same object as long as nothing of it changed. */
    async get(name: string): Promise<Table> {
      const known = seen.get(name);
      if (known && Date.now() - known.at < trustedMs) return known.table;
      const table = (await look(name)).find((one) => publicName(one, schema) === name);
      if (!table) {
        seen.delete(name);
        throw tableMissing(clients.access.name, schema, name);
      }
      return keep(name, table);
    },
  };
}
