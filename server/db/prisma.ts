/**
 * The product's database: one connection pool per process, with the Prisma client on top. Next bundles its own copy of
 * every module, so the pool is kept on `globalThis`, where both copies find it.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { type Prisma, PrismaClient } from "./generated/client.ts";

export type Db = PrismaClient;
/** What `db.$transaction(async (tx) => …)` hands over. */
export type Tx = Prisma.TransactionClient;
export type Database = { url: string; db: Db; pool: pg.Pool };

const shared = globalThis as typeof globalThis & { plumblineDatabases?: Map<string, Database> };
const poolSize = () => Number(process.env.PLUMBLINE_POOL_SIZE) || 10;

/** The pool and Prisma client for a database, made at the first call and shared from then on. */
export function databaseFor(url: string): Database {
  shared.plumblineDatabases ??= new Map();
  const known = shared.plumblineDatabases.get(url);
  if (known) return known;
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize(),
    application_name: "plumbline",
    connectionTimeoutMillis: 30_000,
  });
  pool.on("connect", (client) => client.on("error", () => {})); // a client in use: its query reports the loss
  // a client that lost its server is dropped by the pool, and the next query reconnects; without these it ends the process
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  // Prisma's own limits (2 s for a connection, 5 s in all) make a burst of 1,500 starts fail; waiting its turn is not an error
  const transactionOptions = { maxWait: 30_000, timeout: 30_000 };
  const database = { url, pool, db: new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions }) };
  shared.plumblineDatabases.set(url, database);
  return database;
}

/** @throws when DATABASE_URL is not set */
export function databaseUrl(): string {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error("DATABASE_URL is not set. Start with `npm start`, or name the PostgreSQL database to use.");
  return url;
}

/** The URL of the database a Prisma client of ours works on. */
export function databaseUrlOf(db: Db): string {
  for (const database of shared.plumblineDatabases?.values() ?? []) if (database.db === db) return database.url;
  return databaseUrl();
}

/** Prisma client and pool of this process's database (DATABASE_URL). */
export const getDatabase = (): Database => databaseFor(databaseUrl());
export const getDb = (): Db => getDatabase().db;

/** Ends the pool of a database (this process's own when none is named); further queries make a new one. */
export async function closeDatabase(url: string = databaseUrl()): Promise<void> {
  const known = shared.plumblineDatabases?.get(url);
  if (!known) return;
  shared.plumblineDatabases?.delete(url);
  await known.db.$disconnect();
  await known.pool.end();
}
