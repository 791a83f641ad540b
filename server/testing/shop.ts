/** A source and a target as real PostgreSQL connections, and a flow document between them that can be published. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { createConnection } from "../connections/change-connections.ts";
import type { ServerContext } from "../context.ts";
import type { TestDatabase } from "./database.ts";

/** Makes the schemas `shop` and `books` in the test database, with three orders. */
export async function createShop({ pool }: TestDatabase): Promise<void> {
  await pool.query(`
    CREATE SCHEMA shop; CREATE SCHEMA books;
    CREATE TABLE shop.orders (id integer PRIMARY KEY, email text, total text, updated_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE books.invoices (external_id integer PRIMARY KEY, email varchar(20) NOT NULL, total numeric(10, 2) NOT NULL);
    INSERT INTO shop.orders VALUES (1, 'Ana@Example.com ', '10.50'), (2, null, '3'), (3, 'bo@example.com', 'ten');`);
}

/** Connections “shop” and “books” of the workspace to those schemas. Needs PLUMBLINE_SECRET_KEY. */
export async function connectShop(ctx: ServerContext, { url }: TestDatabase): Promise<void> {
  const { hostname, port, pathname, username, password } = new URL(url);
  const place = { host: hostname, port: Number(port || 5432), database: pathname.slice(1) };
  const credentials = { user: username || "postgres", password: decodeURIComponent(password) };
  for (const schema of ["shop", "books"])
    await createConnection(ctx, {
      name: schema,
      connector: "postgres",
      settings: { ...place, schema, ssl: "disable" },
      credentials,
    });
}

/** Orders → check → map → invoices. `changes` are laid over its top level. */
export function shopFlow(changes: JsonRecord = {}): JsonRecord {
  return {
    format: "plumbline/1",
    name: "Shop orders to books",
    brief: {
      moves: "Orders as invoices",
      direction: "one-way",
      timing: "every hour",
      onFailure: "dead letters",
      owner: "ana@example.com",
      rollback: "undo the run",
    },
    steps: [
      {
        id: "orders",
        kind: "read",
        connection: "shop",
        stream: "orders",
        sync: "incremental",
        watermark: "updated_at",
        every: "1h",
      },
      { id: "check", kind: "check", rules: [{ field: "email", required: true }], otherwise: "dead" },
      {
        id: "invoice",
        kind: "map",
        fields: [
          { to: "external_id", from: "id" },
          { to: "email", formula: "LOWER(TRIM(email))" },
          { to: "total", formula: "NUMBER(total)" },
        ],
      },
      {
        id: "books",
        kind: "write",
        connection: "books",
        sink: "invoices",
        operation: "upsert",
        match: ["external_id"],
      },
    ],
    links: [
      { from: "orders", to: "check" },
      { from: "check", to: "invoice" },
      { from: "invoice", to: "books" },
    ],
    ...changes,
  };
}
