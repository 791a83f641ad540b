/** PostgreSQL keeps the contract, with a real server. */
import pg from "pg";
import { describeConnector } from "../testing/contract.ts";
import type { ContractFixture, ContractRecord } from "../testing/fixture.ts";
import { createTestDatabase } from "../testing/postgres-database.ts";
import { postgres } from "./connector.ts";

const fixture: ContractFixture = {
  can: {
    credentials: true,
    network: true,
    watermark: "changed_at",
    write: ["insert", "update", "upsert", "delete"],
    readBack: true,
    undo: true,
    find: true,
    watch: true,
    refused: (good) => ({ values: { ...good, city: "a city name that is far too long for it" }, field: "city" }),
  },
  async start() {
    const database = await createTestDatabase("pg_contract");
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    const role = `contract_${database.database.slice(-10)}`;
    const secret = database.password || "s3cret-of-contract"; // a server that trusts takes any
    const settings = { host: database.host, port: String(database.port), database: database.database };
    let places = 0;
    return {
      settings,
      credentials: { user: database.user, password: secret },
      secrets: [secret],
      badCredentials: { user: role, password: secret },
      unreachable: { ...settings, port: 1 },
      async place(records) {
        const table = `place_${++places}`;
        await admin.query(
          `CREATE TABLE ${table} (id text PRIMARY KEY, name text NOT NULL, city varchar(20) NOT NULL, changed_at timestamptz NOT NULL)`,
        );
        await admin.query(
          `INSERT INTO ${table} SELECT * FROM jsonb_to_recordset($1) AS r(id text, name text, city text, changed_at timestamptz)`,
          [JSON.stringify(records)],
        );
        return {
          stream: table,
          sink: table,
          async peek() {
            const { rows } = await admin.query<ContractRecord>(
              `SELECT id, name, city, to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS changed_at FROM ${table}`,
            );
            return rows;
          },
          async change(id, values) {
            const sets = Object.keys(values).map((field, at) => `${field} = $${at + 2}`);
            await admin.query(`UPDATE ${table} SET ${sets.join(", ")} WHERE id = $1`, [id, ...Object.values(values)]);
          },
          async remove(id) {
            await admin.query(`DELETE FROM ${table} WHERE id = $1`, [id]);
          },
        };
      },
      async stop() {
        await admin.end();
        await database.drop();
      },
    };
  },
};

describeConnector(postgres, fixture);
