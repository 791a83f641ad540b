/** The contract suite over real files, read and written beside the connector with csv-parse and csv-stringify. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import type { ContractFixture, ContractRecord } from "../testing/contract.ts";
import { describeConnector } from "../testing/contract.ts";
import { csvConnector } from "./connector.ts";

const fixture: ContractFixture = {
  can: {
    credentials: false,
    network: false,
    write: ["insert", "update", "upsert", "delete"],
    readBack: true,
    undo: true,
    find: true,
    refused: (good) => ({ values: { ...good, no_such_column: "x" } }),
  },
  async start() {
    const folder = await mkdtemp(join(tmpdir(), "plumbline csv "));
    let made = 0;
    return {
      settings: { folder },
      credentials: {},
      secrets: [],
      unreachable: { folder: join(folder, "not-there") },
      stop: () => rm(folder, { recursive: true }),
      async place(records) {
        const name = `place-${made++}.csv`;
        const path = join(folder, name);
        const columns = ["id", "name", "city", "changed_at"];
        const peek = async () => parse<ContractRecord>(await readFile(path, "utf8"), { columns: true });
        const put = (rows: ContractRecord[]) => writeFile(path, stringify(rows, { header: true, columns }));
        await put(records);
        return {
          stream: name,
          sink: name,
          peek,
          change: async (id, values) => put((await peek()).map((row) => (row.id === id ? { ...row, ...values } : row))),
          remove: async (id) => put((await peek()).filter((row) => row.id !== id)),
        };
      },
    };
  },
};

describeConnector(csvConnector, fixture);
