/** The product's database and a remote one beside it, with the connection “Shop” to it, for tests of flows. */
import pg from "pg";
import { vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { testContext } from "./context.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { connectDatabase } from "./flows.ts";

export type FlowWorld<Product extends TestDatabase = TestDatabase> = {
  database: Product;
  ctx: ServerContext;
  remote: RemoteDatabase;
  /** a session of the test's own on the remote database */
  client: pg.Client;
  connectionId: string;
  /** closes the sessions of flows too, and drops both databases */
  end(): Promise<void>;
};

export async function flowWorld(prefix: string): Promise<FlowWorld>;
export async function flowWorld<Product extends TestDatabase>(
  prefix: string,
  make: (prefix: string) => Promise<Product>,
): Promise<FlowWorld<Product>>;
/**
 * @param prefix short name of the test file
 * @param make makes the product's database; absent: one on the server of all tests
 */
export async function flowWorld(prefix: string, make: (prefix: string) => Promise<TestDatabase> = testDatabase) {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 8).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  const database = await make(prefix);
  const remote = await createTestDatabase(`${prefix}_remote`);
  const client = new pg.Client({ connectionString: remote.url });
  await client.connect();
  const ctx = await testContext(database);
  const connectionId = await connectDatabase(ctx, "Shop", remote.url);
  return {
    database,
    ctx,
    remote,
    client,
    connectionId,
    async end() {
      await closeSessions();
      await client.end();
      await database.drop();
      await remote.drop();
    },
  };
}
