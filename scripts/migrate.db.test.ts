import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { migrate } from "./migrate.mjs";

const adminUrl = process.env.PLUMBLINE_TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
const name = `plumbline_migrate_${process.pid}`;
const url = (() => {
  const of = new URL(adminUrl);
  of.pathname = `/${name}`;
  return of.href;
})();
const folder = mkdtempSync(join(tmpdir(), "plumbline-migrate-"));
const admin = new pg.Client({ connectionString: adminUrl });
let db: pg.Client;

function write(migration: string, sql: string) {
  mkdirSync(join(folder, migration), { recursive: true });
  writeFileSync(join(folder, migration, "migration.sql"), sql);
}

beforeAll(() => admin.connect());
beforeEach(async () => {
  await db?.end();
  await admin.query(`drop database if exists ${name} with (force)`);
  await admin.query(`create database ${name}`);
  db = new pg.Client({ connectionString: url });
  await db.connect();
  rmSync(folder, { recursive: true, force: true });
  write("1_first", "create table a (id int primary key);\ninsert into a values (1);");
  write("2_second", "alter table a add column name text;");
});
afterAll(async () => {
  await db.end();
  await admin.query(`drop database if exists ${name} with (force)`);
  await admin.end();
  rmSync(folder, { recursive: true, force: true });
});

it("applies what is missing, in order, and notes it as Prisma does", async () => {
  expect(await migrate(url, { folder })).toEqual(["1_first", "2_second"]);
  expect(await migrate(url, { folder })).toEqual([]);
  write("3_third", "insert into a values (3, 'three');");
  expect(await migrate(url, { folder })).toEqual(["3_third"]);
  const { rows } = await db.query("select * from _prisma_migrations order by migration_name");
  expect(rows).toHaveLength(3);
  expect(rows[2]).toMatchObject({
    migration_name: "3_third",
    applied_steps_count: 1,
    rolled_back_at: null,
    logs: null,
  });
  // sha256sum of the file's bytes
  expect(rows[2].checksum).toBe("8550bec43ddf162859f5574701d41e8aeaea79c65709de6aa74ce54aa545f33d");
});

it("is done once when many start together", async () => {
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url, { folder })));
  expect(applied.flat().sort()).toEqual(["1_first", "2_second"]);
});

it("names the file and line of SQL that fails, and leaves nothing of it behind", async () => {
  write("3_third", "create table b (id int);\ninsert into nowhere values (1);");
  await expect(migrate(url, { folder })).rejects.toThrow(
    /3_third\/migration\.sql \(line 2\) failed and was rolled back: relation "nowhere" does not exist/,
  );
  expect((await db.query("select to_regclass('b') as b")).rows).toEqual([{ b: null }]);
  expect((await db.query("select from _prisma_migrations")).rowCount).toBe(2);
});

it("refuses a file that was changed after it had been applied", async () => {
  await migrate(url, { folder });
  write("1_first", "create table other (id int);");
  await expect(migrate(url, { folder })).rejects.toThrow(
    /1_first\/migration\.sql was changed after it had been applied.*new migration/s,
  );
});

it("refuses to go on over a migration that another tool left half done", async () => {
  await migrate(url, { folder });
  await db.query("update _prisma_migrations set finished_at = null where migration_name = '2_second'");
  await expect(migrate(url, { folder })).rejects.toThrow(/2_second was begun .* never finished/);
});
