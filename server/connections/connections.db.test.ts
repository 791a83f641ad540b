import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { decrypt } from "../secrets/encrypt.ts";
import { parseKeys } from "../secrets/keys.ts";
import { rotateSecrets } from "../secrets/rotate.ts";
import { startApi, type TestApi } from "../testing/api-server.ts";
import { callerFor } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertFlow, insertRunRow } from "../testing/rows.ts";
import { openSession, worldFor } from "./open-connection.ts";
import { closeSessions } from "./session-pool.ts";

const keys = "a secret key for tests";
let database: TestDatabase;
let shop: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  process.env.PLUMBLINE_SECRET_KEY = keys;
  process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";
  database = await testDatabase("connections");
  shop = await testDatabase("shop");
  api = await startApi(database);
  await shop.pool.query(`create table orders (id int primary key, email varchar(80) not null, total numeric(10,2));
    insert into orders select n, 'c' || n || '@example.com', n from generate_series(1, 120) n`);
});
afterAll(async () => {
  await closeSessions();
  await api?.stop();
  await shop?.drop();
  await database?.drop();
});
beforeEach(async () => {
  process.env.PLUMBLINE_SECRET_KEY = keys;
  await database.db.connection.deleteMany();
});

const target = () => new URL(shop.url);
const entered = (name: string, more: object = {}) => ({
  name,
  connector: "postgres",
  settings: {
    host: target().hostname,
    port: Number(target().port || 5432),
    database: target().pathname.slice(1),
    ...more,
  },
  credentials: {
    user: decodeURIComponent(target().username),
    password: decodeURIComponent(target().password) || "s3cret-of-the-shop",
  },
});
async function create(name: string, more: object = {}): Promise<string> {
  const { status, body } = await api.ask("POST", "/connections", { body: entered(name, more) });
  expect(status).toBe(201);
  return (body as { id: string }).id;
}
const errorOf = (body: unknown) => (body as { error: { code: string; message: string; details?: unknown } }).error;
/** A flow whose draft uses the connection. */
async function flowUsing(connection: string, name: string): Promise<void> {
  const { workspaceId } = api.owner;
  const document = { format: "plumbline/1", name, steps: [{ id: "in", kind: "read", connection, stream: "orders" }] };
  const id = `flw_${name}`;
  await database.db.flow.create({ data: { id, workspaceId, name, hookKey: id, createdBy: "test" } });
  await database.db.draft.create({ data: { flowId: id, workspaceId, document, updatedBy: "test" } });
}

describe("a connection", () => {
  it("is stored, checked and browsed, and never gives its credentials back", async () => {
    const id = await create("Shop");
    expect((await api.ask("POST", `/connections/${id}/check`)).body).toMatchObject({ ok: true });
    const shown = await api.ask("GET", `/connections/${id}`);
    expect(shown.body).toMatchObject({ name: "Shop", state: "ok", credentialsSet: ["user", "password"], usedBy: [] });
    expect(JSON.stringify(shown.body)).not.toContain("s3cret");
    const streams = (await api.ask("GET", `/connections/${id}/streams`)).body as { items: { name: string }[] };
    expect(streams.items.find(({ name }) => name === "orders")).toMatchObject({
      key: ["id"],
      fields: expect.arrayContaining([
        expect.objectContaining({ name: "email", maxLength: 80, required: expect.any(Boolean) }),
      ]),
    });
    const sinks = (await api.ask("GET", `/connections/${id}/sinks?refresh=true`)).body as { items: { name: string }[] };
    expect(sinks.items.map(({ name }) => name)).toContain("orders");
    const { records } = await callerFor(api.owner).connections.browse({ id, stream: "orders", limit: 3 });
    expect(records).toHaveLength(3);
    const { rows } = await database.pool.query("select * from connection where id = $1", [id]);
    expect(Buffer.from(rows[0].credentials).includes("s3cret")).toBe(false);
    const audit = await database.db.audit.findMany({ where: { subject: id } });
    expect(JSON.stringify(audit, (_key, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
      "s3cret",
    );
  });

  it("leaves a trail of what was changed, without what people put into headers and query parameters", async () => {
    const settings = {
      baseUrl: "https://api.example.com/v2",
      headers: { "X-Key": "hdr-secret-1" },
      streams: [{ name: "orders", path: "/orders", key: ["id"], query: { token: "qry-secret-1" } }],
    };
    const http = { name: "Orchard", connector: "http", settings, credentials: {} };
    const { id } = (await api.ask("POST", "/connections", { body: http })).body as { id: string };
    const change = {
      settings: { ...settings, headers: { "X-Key": "hdr-secret-2" }, timeoutMs: 500 },
      credentials: { token: "bearer-secret" },
    };
    expect((await api.ask("PATCH", `/connections/${id}`, { body: change })).status).toBe(200);
    const { rows } = await database.pool.query("SELECT action, detail FROM audit WHERE subject = $1 ORDER BY id", [id]);
    expect(JSON.stringify(rows)).not.toMatch(/secret-|bearer-secret/);
    expect(rows).toMatchObject([
      {
        action: "connection.create",
        detail: {
          name: "Orchard",
          connector: "http",
          settings: {
            baseUrl: "https://api.example.com/v2",
            headers: { "X-Key": "•••" },
            streams: [{ path: "/orders", query: { token: "•••" } }],
          },
        },
      },
      {
        action: "connection.update",
        detail: {
          name: "Orchard",
          settings: { "headers.X-Key": { before: "•••", after: "•••" }, timeoutMs: { before: 30_000, after: 500 } },
          credentials: ["token"],
        },
      },
    ]);
  });

  it("had a trail with such values once; a migration takes them out and leaves the rest", async () => {
    const { workspaceId } = api.owner;
    const settings = (secret: string) => ({
      baseUrl: `https://api.example.com/v2?k=${secret}`,
      headers: { "X-Key": secret },
      streams: [
        { name: "b", query: { token: secret, page: 1 } },
        { name: "a", path: "/a?id={id}", sample: [{ name: secret }] },
      ],
    });
    const without = {
      baseUrl: "https://api.example.com/v2?k=•••",
      headers: { "X-Key": "•••" },
      streams: [
        { name: "b", query: { token: "•••", page: "•••" } },
        { name: "a", path: "/a?id={id}", sample: "•••" },
      ],
    };
    const insert =
      "INSERT INTO audit (workspace_id, actor, action, subject, detail) VALUES ($1, 'ana', $2, 'con_old', $3)";
    const rest = { credentialsChanged: false, none: null };
    await database.pool.query(insert, [workspaceId, "connection.create", { name: "Old", settings: settings("s-1") }]);
    const before = {
      before: { name: "Old", settings: settings("s-1") },
      after: { settings: settings("s-2") },
      ...rest,
    };
    await database.pool.query(insert, [workspaceId, "connection.update", before]);
    const file = "../../prisma/migrations/20261128083000_audit_without_values/migration.sql";
    const client = await database.pool.connect();
    await client.query(readFileSync(new URL(file, import.meta.url), "utf8")).finally(() => client.release());
    const { rows } = await database.pool.query("SELECT detail FROM audit WHERE subject = 'con_old' ORDER BY id");
    expect(rows.map(({ detail }) => detail)).toEqual([
      { name: "Old", settings: without },
      { before: { name: "Old", settings: without }, after: { settings: without }, ...rest },
    ]);
  });

  it("has a name no other one has", async () => {
    await create("Shop");
    const again = await api.ask("POST", "/connections", { body: entered("Shop") });
    expect([again.status, errorOf(again.body).code]).toEqual([409, "name-taken"]);
  });

  it("says which setting is missing or wrong, and which connector is unknown", async () => {
    const body = { ...entered("Bad"), settings: { port: 99999 } };
    const wrong = await api.ask("POST", "/connections", { body });
    expect(wrong.status).toBe(400);
    expect(errorOf(wrong.body).details).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: "settings.database" }),
        expect.objectContaining({ path: "settings.port" }),
      ]),
    );
    const misnamed = { ...entered("Bad"), credentials: { ...entered("Bad").credentials, pasword: "secret" } };
    const odd = await api.ask("POST", "/connections", { body: misnamed });
    expect(odd.status).toBe(400);
    expect(errorOf(odd.body)).toMatchObject({ message: expect.stringContaining("pasword") });
    const unknown = await api.ask("POST", "/connections", { body: { ...entered("Bad"), connector: "fax" } });
    expect([unknown.status, errorOf(unknown.body).code]).toEqual([400, "invalid"]);
  });

  it("refuses text that no database can keep, wherever it stands", async () => {
    const { settings, credentials } = entered("Shop");
    for (const body of [
      { ...entered("Nul"), settings: { ...settings, database: "a\u0000b" } },
      { ...entered("Half"), credentials: { ...credentials, password: "\ud800" } },
    ]) {
      const { status, body: answer } = await api.ask("POST", "/connections", { body });
      expect(status).toBe(400);
      expect(answer).toMatchObject({ error: { code: "invalid", message: expect.stringMatching(/database|password/) } });
    }
  });

  it("keeps the credentials that a change does not name, and is unchecked afterwards", async () => {
    const id = await create("Shop");
    await api.ask("POST", `/connections/${id}/check`);
    const changed = await api.ask("PATCH", `/connections/${id}`, { body: { credentials: { user: "someone" } } });
    expect(changed.body).toEqual({ ok: true });
    const row = await database.db.connection.findUniqueOrThrow({ where: { id } });
    const place = { workspaceId: api.owner.workspaceId, connectionId: id };
    const { password } = entered("Shop").credentials;
    expect(JSON.parse(decrypt(row.credentials ?? new Uint8Array(), place))).toEqual({ user: "someone", password });
    expect(row.state).toBe("unchecked");
  });

  it("keeps the settings that a change does not name; null takes one back to its default", async () => {
    const id = await create("Shop");
    const { settings } = entered("Shop");
    const change = async (change: object) => {
      expect((await api.ask("PATCH", `/connections/${id}`, { body: { settings: change } })).status).toBe(200);
      return ((await api.ask("GET", `/connections/${id}`)).body as { settings: object }).settings;
    };
    expect(await change({ schema: "other" })).toMatchObject({ ...settings, schema: "other" });
    expect(await change({ schema: null })).toMatchObject({ ...settings, schema: "public" });
    expect((await api.ask("PATCH", `/connections/${id}`, { body: { settings: [] } })).status).toBe(400);
  });

  it("lets runs that waited for it go on when it is mended", async () => {
    const id = await create("Shop");
    const steps = [{ id: "orders", kind: "read", connection: "Shop", stream: "orders" }];
    const flowId = await insertFlow(api.owner, { document: { name: "Orders", steps }, liveVersion: 1 });
    const waiting = { flow_id: flowId, state: "waiting", wait_reason: "credentials" };
    const run = await insertRunRow(api.owner, waiting);
    await api.ask("PATCH", `/connections/${id}`, { body: { credentials: { user: "shop" } } });
    expect((await api.ask("GET", `/runs/${run}`)).body).toMatchObject({ state: "queued" });
  });

  it("cannot be renamed or removed while flows use it, and they are named", async () => {
    const id = await create("Shop");
    await flowUsing("Shop", "Nightly");
    for (const answer of [
      await api.ask("DELETE", `/connections/${id}`),
      await api.ask("PATCH", `/connections/${id}`, { body: { name: "Store" } }),
    ]) {
      expect([answer.status, errorOf(answer.body).code]).toEqual([409, "connection-in-use"]);
      expect(errorOf(answer.body).message).toContain("“Nightly”");
    }
    await database.db.flow.updateMany({ data: { deletedAt: new Date() } });
    expect((await api.ask("DELETE", `/connections/${id}`)).body).toEqual({ ok: true });
    expect((await api.ask("GET", `/connections/${id}`)).status).toBe(404);
  });
});

describe("a check that fails", () => {
  it("says that nobody answers, and marks the connection", async () => {
    const id = await create("Gone", { port: 1 });
    const { body } = await api.ask("POST", `/connections/${id}/check`);
    expect(body).toMatchObject({ ok: false, message: expect.stringContaining("Gone") });
    expect(JSON.stringify(body)).not.toContain("s3cret");
    expect((await api.ask("GET", `/connections/${id}`)).body).toMatchObject({ state: "unreachable" });
    const streams = await api.ask("GET", `/connections/${id}/streams`);
    expect(streams.status).toBe(502);
    expect(errorOf(streams.body).message).toContain("Gone");
  });

  it("says that the database is not there", async () => {
    const id = await create("Nowhere", { database: "no_such_database" });
    const { body } = await api.ask("POST", `/connections/${id}/check`);
    expect(body).toMatchObject({ ok: false, message: expect.stringContaining("no_such_database") });
  });

  it("gives up after its limit when the system accepts and stays silent", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((ready) => silent.once("listening", ready));
    const id = await create("Silent", { host: "127.0.0.1", port: (silent.address() as AddressInfo).port });
    const started = Date.now();
    const { body } = await api.ask("POST", `/connections/${id}/check`);
    expect(body).toMatchObject({ ok: false, message: expect.stringContaining("Silent") });
    expect(Date.now() - started).toBeLessThan(16_000);
    silent.close();
  }, 30_000);

  it("is checked when browsing it fails, so that it does not go on saying that it answers", async () => {
    const far = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await new Promise((ready) => far.once("listening", ready));
    const id = await create("Far", { host: "127.0.0.1", port: (far.address() as AddressInfo).port });
    await database.db.connection.update({ where: { id }, data: { state: "ok" } });
    await expect(callerFor(api.owner).connections.browse({ id, stream: "orders" })).rejects.toThrow();
    await expect
      .poll(async () => (await api.ask("GET", `/connections/${id}`)).body, { timeout: 20_000 })
      .toMatchObject({ state: "unreachable", stateMessage: expect.stringContaining("Far") });
    far.close();
  }, 40_000);

  it("is not checked when only what was asked for is missing", async () => {
    const id = await create("Shop");
    await expect(callerFor(api.owner).connections.browse({ id, stream: "nowhere" })).rejects.toThrow();
    expect((await api.ask("GET", `/connections/${id}`)).body).toMatchObject({ state: "unchecked", checkedAt: null });
  });

  it("answers, when all it says is that it wants to be asked less often", async () => {
    const busy = createHttpServer((_, response) => {
      response.writeHead(429, { "retry-after": "40" }).end();
    }).listen(0, "127.0.0.1");
    await new Promise((ready) => busy.once("listening", ready));
    const baseUrl = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`;
    const http = { name: "Busy", connector: "http", settings: { baseUrl, checkPath: "/" }, credentials: {} };
    const { id } = (await api.ask("POST", "/connections", { body: http })).body as { id: string };
    for (const said of [/allows no more requests/, /allows no more requests just now; the next may be sent in 40 s/]) {
      const { body } = await api.ask("POST", `/connections/${id}/check`);
      expect(body).toMatchObject({ ok: true, message: expect.stringMatching(said) });
    }
    expect((await api.ask("GET", `/connections/${id}`)).body).toMatchObject({ state: "ok" });
    busy.close();
  });

  it("names the missing secret key and what to do", async () => {
    const id = await create("Shop");
    process.env.PLUMBLINE_SECRET_KEY = "another key of this installation";
    const { body } = await api.ask("POST", `/connections/${id}/check`);
    expect(body).toMatchObject({
      ok: false,
      message: expect.stringMatching(/Shop.*PLUMBLINE_SECRET_KEY.*Connections/),
    });
    expect((await api.ask("GET", `/connections/${id}`)).body).toMatchObject({ state: "refused", credentialsSet: [] });
  });
});

describe("rotation", () => {
  it("re-encrypts with the newest key; then the old one can go", async () => {
    const id = await create("Shop");
    const both = parseKeys(`a newer secret key for tests,${keys}`);
    expect(await rotateSecrets(database.db, both)).toEqual({ rotated: 1, current: 0, failed: [] });
    expect(await rotateSecrets(database.db, both)).toEqual({ rotated: 0, current: 1, failed: [] });
    process.env.PLUMBLINE_SECRET_KEY = "a newer secret key for tests";
    expect((await api.ask("POST", `/connections/${id}/check`)).body).toMatchObject({ ok: true });
    expect(await rotateSecrets(database.db, parseKeys("a third key for these tests"))).toMatchObject({
      rotated: 0,
      failed: [{ connection: "Shop", message: expect.stringContaining("PLUMBLINE_SECRET_KEY") }],
    });
  });
});

describe("the world of a flow", () => {
  it("knows streams and sinks by name, says what is unavailable, and leaves unknown names out", async () => {
    await create("Shop");
    await create("Gone", { port: 1 });
    const world = await worldFor(api.owner, ["Shop", "Gone", "Never"]);
    expect([...world.connections.keys()].sort()).toEqual(["Gone", "Shop"]);
    expect(world.connections.get("Shop")?.sinks?.map(({ name }) => name)).toContain("orders");
    expect(world.connections.get("Gone")).toMatchObject({ unavailable: expect.stringContaining("Gone") });
  });

  it("is remembered for a moment, until it is doubted, refreshed, or the connection changes", async () => {
    const id = await create("Shop");
    await worldFor(api.owner, ["Shop"]);
    await shop.pool.query("create table if not exists latecomers (id int primary key)");
    const has = async (options = {}) =>
      (await worldFor(api.owner, ["Shop"], options)).connections
        .get("Shop")
        ?.streams?.some((s) => s.name === "latecomers");
    expect(await has()).toBe(false);
    expect(await has({ doubt: true })).toBe(true);
    await shop.pool.query("alter table latecomers rename to latest");
    expect(await has()).toBe(true);
    expect(await has({ refresh: true })).toBe(false);
    await shop.pool.query("alter table latest rename to latecomers");
    await shop.pool.query("drop table latecomers");
    await api.ask("PATCH", `/connections/${id}`, {
      body: { settings: { ...entered("Shop").settings, schema: "public", ssl: "disable" }, name: "Shop 2" },
    });
    const world = await worldFor(api.owner, ["Shop 2"]);
    expect(world.connections.get("Shop 2")?.streams?.some((s) => s.name === "latecomers")).toBe(false);
  });

  it("shares one session per connection", async () => {
    const id = await create("Shop");
    const one = await openSession(api.owner, "Shop");
    const two = await openSession(api.owner, id);
    expect(two.session).toBe(one.session);
    one.release();
    two.release();
  });
});
