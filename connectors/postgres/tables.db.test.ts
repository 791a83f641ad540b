import { once } from "node:events";
import { type AddressInfo, createConnection, createServer } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/postgres-database.ts";
import { openClients } from "./client.ts";
import { openTables } from "./tables.ts";

let database: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase("tables");
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query("CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE books (id int PRIMARY KEY, title text)");
}, 60_000);
afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** The tables of a new session, and how often they asked the server. */
function counted(port = database.port) {
  const { password, ...place } = database;
  const rule = { allowPrivateNetwork: true };
  const clients = openClients({ ...place, port, name: "Books", password: () => password, ssl: "disable", rule });
  const asked = { times: 0 };
  const use: typeof clients.use = (work) => {
    asked.times++;
    return clients.use(work);
  };
  return { tables: openTables({ ...clients, use }, "public"), asked, close: () => clients.close() };
}

const columns = (table: { columns: { name: string }[] }) => table.columns.map(({ name }) => name);

test("whoever looks at the same time shares one look, and a table that was just listed is not looked at again", async () => {
  const { tables, asked, close } = counted();
  const [streams, sinks] = await Promise.all([tables.all(), tables.all()]);
  expect(streams.map(({ table }) => table).sort()).toEqual(["books", "orders"]);
  expect(sinks).toEqual(streams);
  const [one, other] = await Promise.all([tables.get("books"), tables.get("books")]);
  expect(columns(one)).toEqual(["id", "title"]);
  expect(other).toBe(one);
  expect(asked.times).toBe(1);
  await expect(tables.get("nothing")).rejects.toMatchObject({ kind: "settings" });
  expect(asked.times).toBe(2);
  await close();
});

test("what is forgotten is looked at anew, also when a look before is still under way", async () => {
  const { tables, close } = counted();
  await tables.all();
  await admin.query("ALTER TABLE books ADD COLUMN price numeric(9,2)");
  const early = tables.all();
  tables.forget("books");
  await early;
  await admin.query("ALTER TABLE books ADD COLUMN isbn text");
  expect(columns(await tables.get("books"))).toEqual(["id", "title", "price", "isbn"]);
  await close();
});

test("a server that could not be reached is asked again", async () => {
  const way = createServer((socket) => {
    const far = createConnection(database.port, database.host);
    socket.pipe(far).pipe(socket);
    for (const one of [socket, far]) one.on("error", () => {});
  });
  await once(way.listen(0, "127.0.0.1"), "listening");
  const { port } = way.address() as AddressInfo;
  await new Promise((done) => way.close(done));
  const { tables, close } = counted(port);
  await expect(tables.all()).rejects.toMatchObject({ kind: "transient" });
  await expect(tables.get("books")).rejects.toMatchObject({ kind: "transient" });
  await once(way.listen(port, "127.0.0.1"), "listening");
  expect(columns(await tables.get("books"))).toContain("title");
  expect(await tables.all()).toHaveLength(2);
  await close();
  await new Promise((done) => way.close(done));
});
