/** Flows of one shop that publish to topics and listen to them, with the product's interface and its events at work. */
import pg from "pg";
import { createTestDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { testContext } from "./context.ts";
import { testDatabase } from "./database.ts";
import { startEventWorker } from "./event-worker.ts";
import { connectDatabase, TEST_BRIEF } from "./flows.ts";
import { requireKnownWorkspaces } from "./known-workspaces.ts";

process.env.PLUMBLINE_SECRET_KEY ??= "test-test-test-test-test";
process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";

export type TopicWorld = Awaited<ReturnType<typeof topicWorld>>;

/** @param name of its databases */
export async function topicWorld(name: string) {
  const database = await testDatabase(name);
  await requireKnownWorkspaces(database.pool);
  const remote = await createTestDatabase(`${name}_shop`);
  const shop = new pg.Pool({ connectionString: remote.url });
  shop.on("error", () => {});
  const worker = await startEventWorker(database);
  return {
    database,
    shop,
    url: `${worker.url}/api/v1`,
    /** A new workspace with an empty shop. */
    async fresh(): Promise<ServerContext> {
      const ctx = await testContext(database);
      await shop.query(`DROP TABLE IF EXISTS orders, stock, mails;
        CREATE TABLE orders (id int PRIMARY KEY, sku text);
        CREATE TABLE stock (key text PRIMARY KEY, sku text);
        CREATE TABLE mails (key text PRIMARY KEY, sku text CHECK (sku <> 'bad'), type text, at timestamptz)`);
      await connectDatabase(ctx, "Shop", remote.url);
      return ctx;
    },
    async end() {
      await worker.stop();
      await closeSessions();
      await shop.end();
      await database.drop();
      await remote.drop();
    },
  };
}

/** Makes each order of the shop an event. */
export const publisher = (publish: object = {}) => ({
  format: "plumbline/1",
  name: "Orders",
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders" },
    { id: "tell", kind: "publish", topic: "orders", type: "order.created", subject: "sku", ...publish },
  ],
  links: [{ from: "orders", to: "tell" }],
  settings: { pageSize: 10 },
});
