/** The product's database beside those of a shop and of its books, for tests of flows from the one to the other. */
import { vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { testContext } from "./context.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { connectDatabase } from "./flows.ts";

export type ShopAndBooks = {
  database: TestDatabase;
  shop: RemoteDatabase;
  books: RemoteDatabase;
  /** a workspace of its own with the connections “Shop” and “Books” */
  workspace(): Promise<ServerContext>;
  /** closes the sessions of flows too, and drops the databases */
  end(): Promise<void>;
};

/** @param prefix short name of the test file */
export async function shopAndBooks(prefix: string): Promise<ShopAndBooks> {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  const database = await testDatabase(prefix);
  const shop = await createTestDatabase(`${prefix}_shop`);
  const books = await createTestDatabase(`${prefix}_books`);
  return {
    database,
    shop,
    books,
    async workspace() {
      const ctx = await testContext(database);
      await connectDatabase(ctx, "Shop", shop.url);
      await connectDatabase(ctx, "Books", books.url);
      return ctx;
    },
    async end() {
      await closeSessions();
      await database.drop();
      await shop.drop();
      await books.drop();
    },
  };
}
