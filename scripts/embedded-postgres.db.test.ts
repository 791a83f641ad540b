import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, expect, it } from "vitest";
import { startPostgres } from "./embedded-postgres.mjs";
import { cacheFolder } from "./places.mjs";
import { isAlive, readJson } from "./processes.mjs";

const base = join(cacheFolder, `embedded test ${process.pid}`); // a blank in its name, as in many home folders
const options = { folder: join(base, "postgres"), secretsFolder: join(base, "secrets") };
const started: Awaited<ReturnType<typeof startPostgres>>[] = [];

async function start(more: { port?: number; borrowed?: boolean } = {}) {
  const server = await startPostgres({ ...options, ...more });
  started.push(server);
  return server;
}

async function query(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

afterAll(async () => {
  for (const server of started) await server.stop();
  const elsewhere = readJson(join(options.folder, "location.json"))?.folder;
  for (const folder of [base, elsewhere]) if (folder) rmSync(folder, { recursive: true, force: true });
});

it("makes its data, asks for a password, keeps it to itself, and listens on this machine only", async () => {
  const server = await start();
  expect(server.reused).toBe(false);
  expect(await query(server.adminUrl, "select current_setting('server_version_num')::int / 10000 as major")).toEqual([
    { major: 18 },
  ]);
  expect(
    await query(
      server.adminUrl,
      "select current_setting('listen_addresses') as hosts, current_setting('wal_level') as wal",
    ),
  ).toEqual([{ hosts: "127.0.0.1", wal: "logical" }]);
  await expect(query(`postgresql://postgres:wrong@127.0.0.1:${server.port}/postgres`, "select 1")).rejects.toThrow(
    /password/,
  );
  expect(statSync(join(options.secretsFolder, "postgres-password")).mode & 0o777).toBe(0o600);
  expect(statSync(server.dataFolder).mode & 0o777).toBe(0o700);
  await server.ensureDatabase("made");
  await server.ensureDatabase("made");
  await query(server.url("made"), "create table t as select 42 as n");
});

it("is found again while it runs", async () => {
  const again = await start();
  expect(again.reused).toBe(true);
  expect(again.process).toEqual(started[0]?.process);
});

it("recovers after kill -9, on the same port, with every committed row", async () => {
  const before = await start();
  process.kill(before.process.pid, "SIGKILL");
  while (isAlive(before.process)) await new Promise((resolve) => setTimeout(resolve, 20));
  const after = await start({ port: before.port });
  expect(after.port).toBe(before.port);
  expect(after.reused).toBe(false);
  expect(await query(after.url("made"), "select n from t")).toEqual([{ n: 42 }]);
});

it("is not deceived by a postmaster.pid whose number now belongs to a stranger", async () => {
  const server = await start();
  await server.stop();
  expect(isAlive(server.process)).toBe(false);
  const pidFile = join(server.dataFolder, "postmaster.pid");
  writeFileSync(pidFile, `${process.pid}\n${server.dataFolder}\n1700000000\n${server.port}\n\n127.0.0.1\n`);
  const again = await start();
  expect(again.reused).toBe(false);
  expect(Number(readFileSync(pidFile, "utf8").split("\n")[0])).toBe(again.process.pid);
});

it("is not started for one who only wants to borrow it", async () => {
  await (await start()).stop();
  await expect(start({ borrowed: true })).rejects.toThrow(/not running\. Start it with npm start/);
});

it("says what to do when the data were made by another version", async () => {
  const { dataFolder } = started[0] ?? { dataFolder: "" };
  const versionFile = join(dataFolder, "PG_VERSION");
  const version = readFileSync(versionFile, "utf8");
  writeFileSync(versionFile, "16\n");
  await expect(start()).rejects.toThrow(/made by PostgreSQL 16; .* brings PostgreSQL 18.*pg_dump/s);
  writeFileSync(versionFile, version);
});

it("says which password is missing instead of making new data over the old", async () => {
  const file = join(options.secretsFolder, "postgres-password");
  const password = readFileSync(file);
  rmSync(file);
  await expect(start()).rejects.toThrow(/password of the embedded database is missing .*postgres-password/);
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, password, { mode: 0o600 });
  expect(await query((await start()).url("made"), "select n from t")).toEqual([{ n: 42 }]);
});
