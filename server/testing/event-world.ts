/** The product's database with a worker that drains events, and a database of books they are written to, for tests of event flows. */
import { vi } from "vitest";
import type { ServerContext } from "../context.ts";
import { testContext } from "./context.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { type EventWorker, startEventWorker } from "./event-worker.ts";
import { connectDatabase } from "./flows.ts";

export type EventWorld = {
  database: TestDatabase;
  /** the connection “books” leads to it */
  books: TestDatabase;
  ctx: ServerContext;
  worker: EventWorker;
  /** stops the worker and drops both databases */
  end(): Promise<void>;
};

/**
 * @param prefix short name of the test file
 * @param table SQL that makes what the flows write to
 */
export async function eventWorld(prefix: string, table: string): Promise<EventWorld> {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 6).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  const database = await testDatabase(prefix);
  const books = await testDatabase(`${prefix}_books`);
  const ctx = await testContext(database);
  await books.pool.query(table);
  await connectDatabase(ctx, "books", books.url);
  const worker = await startEventWorker(database);
  return {
    database,
    books,
    ctx,
    worker,
    async end() {
      await worker.stop();
      await books.drop();
      await database.drop();
    },
  };
}
