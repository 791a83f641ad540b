/** The sample company's two databases, shop and books, made beside the product's own. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import type { SampleData } from "./data.ts";

export type SampleServer = { host: string; port: number };
export type SampleDatabase = SampleServer & { database: string; user: string; password: string };

const SHOP = `
  CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, email text, city text, country char(2), phone text,
    updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE products (sku text PRIMARY KEY, title text NOT NULL, price numeric(10,2) NOT NULL, stock integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE orders (id integer PRIMARY KEY, order_no text NOT NULL UNIQUE, customer_id integer NOT NULL REFERENCES customers,
    customer_name text NOT NULL, email text, ordered_on text NOT NULL, total text NOT NULL, currency text NOT NULL,
    status text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE order_lines (order_id integer REFERENCES orders, line_no integer, sku text NOT NULL REFERENCES products,
    qty integer NOT NULL, price numeric(10,2) NOT NULL, PRIMARY KEY (order_id, line_no));
  CREATE INDEX ON orders (updated_at, id);
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
  CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
  CREATE TRIGGER touch BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION touch();
  CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();`;

const BOOKS = `
  CREATE TABLE parties (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text NOT NULL UNIQUE, name varchar(80) NOT NULL,
    email varchar(120), country char(2));
  CREATE TABLE invoices (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number varchar(20) NOT NULL UNIQUE,
    customer varchar(80) NOT NULL, email varchar(120), issued_on date NOT NULL, net numeric(12,2) NOT NULL CHECK (net >= 0),
    currency char(3) NOT NULL CHECK (currency IN ('EUR', 'USD', 'CHF', 'GBP')), status varchar(20) NOT NULL DEFAULT 'draft',
    note text);`;

/** A name that two workspaces on one server do not share. */
export function databaseName(workspaceId: string, part: "shop" | "books"): string {
  return `plumbline_${part}_${workspaceId
    .replace(/[^a-z0-9]/gi, "")
    .toLowerCase()
    .slice(-12)}`;
}

/**
 * Makes both databases with a role of their own, and fills them. What an interrupted attempt left is made anew.
 *
 * @param adminUrl a server where we may create databases and roles
 */
export async function makeSampleDatabases(
  adminUrl: string,
  workspaceId: string,
  data: SampleData,
): Promise<{ shop: SampleDatabase; books: SampleDatabase }> {
  const password = randomBytes(18).toString("base64url");
  const user = databaseName(workspaceId, "shop").replace("_shop_", "_sample_");
  const shop = await makeDatabase(adminUrl, databaseName(workspaceId, "shop"), { user, password }, SHOP);
  const books = await makeDatabase(adminUrl, databaseName(workspaceId, "books"), { user, password }, BOOKS);
  await withClient(shop, (client) => fillShop(client, data));
  await withClient(books, (client) => fillBooks(client, data));
  return { shop, books };
}

async function makeDatabase(
  adminUrl: string,
  database: string,
  { user, password }: { user: string; password: string },
  schema: string,
): Promise<SampleDatabase> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    const role = pg.escapeIdentifier(user);
    const exists = await admin.query("SELECT FROM pg_roles WHERE rolname = $1", [user]);
    const verb = exists.rowCount === 0 ? "CREATE" : "ALTER";
    await admin.query(`${verb} ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    await admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${role}`);
  } finally {
    await admin.end();
  }
  const { hostname, port } = new URL(adminUrl);
  const made = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 5432), database, user, password };
  await withClient(made, (client) => client.query(`CREATE SCHEMA IF NOT EXISTS public; ${schema}`));
  return made;
}

async function withClient<T>(database: SampleDatabase, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(database);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function insertAll(client: pg.Client, table: string, rows: object[]): Promise<void> {
  await client.query(
    `INSERT INTO ${table} OVERRIDING USER VALUE SELECT * FROM json_populate_recordset(NULL::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

async function fillShop(client: pg.Client, data: SampleData): Promise<void> {
  const now = new Date();
  await client.query("BEGIN");
  await insertAll(
    client,
    "customers",
    data.customers.map((customer) => ({ ...customer, updated_at: now })),
  );
  await insertAll(
    client,
    "products",
    data.products.map((product) => ({ ...product, updated_at: now })),
  );
  const orders = data.orders.map((order) => ({
    id: order.id,
    order_no: order.orderNo,
    customer_id: order.customerId,
    customer_name: order.customerName,
    email: order.email,
    ordered_on: order.orderedOn,
    total: order.total,
    currency: order.currency,
    status: order.status,
    updated_at: order.updatedAt,
  }));
  await insertAll(client, "orders", orders);
  const lines = data.lines.map(({ orderId, lineNo, ...line }) => ({ order_id: orderId, line_no: lineNo, ...line }));
  await insertAll(client, "order_lines", lines);
  await client.query("COMMIT");
  await client.query("ANALYZE");
}

/** The accountant has entered the oldest invoices by hand, one of them with another amount. */
async function fillBooks(client: pg.Client, data: SampleData): Promise<void> {
  await client.query("BEGIN");
  for (const customer of data.customers.slice(0, 40)) {
    await client.query("INSERT INTO parties (number, name, email, country) VALUES ($1, $2, $3, $4)", [
      `C-${customer.id}`,
      customer.name.trim(),
      customer.email,
      customer.country,
    ]);
  }
  for (const order of data.orders.slice(0, 25)) {
    const net = order.total.replace(",", ".");
    await client.query(
      "INSERT INTO invoices (number, customer, email, issued_on, net, currency, status) VALUES ($1, $2, $3, $4, $5, 'EUR', 'booked')",
      [
        order.orderNo,
        order.customerName.trim(),
        order.email,
        order.updatedAt.toISOString().slice(0, 10),
        order.id === 7 ? "99.00" : net,
      ],
    );
  }
  await client.query("COMMIT");
  await client.query("ANALYZE");
}
