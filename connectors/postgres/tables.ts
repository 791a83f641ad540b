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

  return {
    schema,
    all: () => look(null),
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
      const shape = JSON.stringify({ ...table, rows: 0 });
      const same = known?.shape === shape ? known.table : table;
      seen.set(name, { table: same, shape, at: Date.now() });
      return same;
    },
  };
}
