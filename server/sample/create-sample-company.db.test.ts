import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { afterWorkspaceCreated } from "../accounts/after-workspace-created.ts";
import { closeSessions } from "../connections/session-pool.ts";
import { systemContext } from "../context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { createSampleCompany } from "./create-sample-company.ts";
import { databaseName } from "./databases.ts";
import { sampleState } from "./sample-state.ts";

let database: TestDatabase;
let dataDir: string;
const workspaceId = "ws_sampletest0001";

beforeAll(async () => {
  database = await testDatabase();
  dataDir = await mkdtemp(join(tmpdir(), "plumbline sample "));
  vi.stubEnv("PLUMBLINE_SAMPLE_DATABASE_URL", database.url);
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  vi.stubEnv("PLUMBLINE_DATA_DIR", dataDir);
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  await database.db.workspace.create({ data: { id: workspaceId, name: "Sample company" } });
});

afterAll(async () => {
  await closeSessions();
  for (const part of ["shop", "books"] as const) {
    await database.pool.query(
      `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(databaseName(workspaceId, part))} WITH (FORCE)`,
    );
  }
  await database.drop();
});

test("until it is made, the workspace knows that it is coming; without it, why it is not", async () => {
  const ctx = systemContext(database, workspaceId);
  expect(await sampleState(ctx)).toMatchObject({ state: "none", why: expect.stringMatching(/could not create/) });
  await database.db.$transaction((tx) => afterWorkspaceCreated(tx, workspaceId));
  expect(await sampleState(ctx)).toEqual({ state: "coming" });
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "false");
  expect(await sampleState(ctx)).toMatchObject({ state: "none", why: expect.stringMatching(/private address/) });
  await createSampleCompany(database, workspaceId);
  expect(await database.db.connection.count({ where: { workspaceId } })).toBe(0);
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  vi.stubEnv("PLUMBLINE_SAMPLE", "none");
  expect(await sampleState(ctx)).toEqual({ state: "none", why: null });
  vi.stubEnv("PLUMBLINE_SAMPLE", "");
});

test("a new workspace gets a shop, its books and a drop folder, each with a working connection", async () => {
  await createSampleCompany(database, workspaceId);
  const connections = await database.db.connection.findMany({ where: { workspaceId }, orderBy: { name: "asc" } });
  expect(connections.map(({ name, state, stateMessage }) => ({ name, state, stateMessage }))).toEqual([
    { name: "Books", state: "ok", stateMessage: null },
    { name: "Price lists", state: "ok", stateMessage: null },
    { name: "Shop", state: "ok", stateMessage: null },
  ]);
  expect(await sampleState(systemContext(database, workspaceId))).toEqual({ state: "here" });
  expect(await readFile(join(dataDir, "files", workspaceId, "drop", "price-list.csv"), "latin1")).toContain(
    "Bestand für Verkauf",
  );
});

test("the shop has the dirt of real life", async () => {
  const url = new URL(database.url);
  url.pathname = `/${databaseName(workspaceId, "shop")}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const { rows } =
    await client.query(`SELECT count(*)::int AS orders, count(*) FILTER (WHERE email IS NULL)::int AS "noEmail",
    count(*) FILTER (WHERE total LIKE '%,%')::int AS comma, count(*) FILTER (WHERE currency = 'EURO')::int AS currency,
    count(*) FILTER (WHERE customer_name LIKE '% ')::int AS blanks, count(DISTINCT regexp_replace(ordered_on, '\\d', '', 'g'))::int AS formats
    FROM orders`);
  await client.end();
  expect(rows[0].orders).toBe(5000);
  expect(rows[0].formats).toBe(3);
  for (const kind of ["noEmail", "comma", "currency", "blanks"]) expect(rows[0][kind]).toBeGreaterThan(10);
});

test("a second call changes nothing", async () => {
  await createSampleCompany(database, workspaceId);
  expect(await database.db.connection.count({ where: { workspaceId } })).toBe(3);
});
