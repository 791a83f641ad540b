/**
 * Orders in PostgreSQL and flows that write them into a system over HTTP, which takes one record at a time, can be read back and
 * counts each change it takes: for tests that kill what works on them.
 */
import { expect, vi } from "vitest";
import { type FakeRest, startFakeRest } from "../../connectors/testing/fake-rest.ts";
import { createConnection } from "../../server/connections/change-connections.ts";
import { getRunDetail } from "../../server/runs/get-run.ts";
import { startRun } from "../../server/runs/start-run.ts";
import { flowWorld } from "../../server/testing/flow-world.ts";
import { publishedFlow, runToEnd, TEST_BRIEF } from "../../server/testing/flows.ts";
import { type MortalDatabase, mortalDatabase, patiently } from "./mortal-database.ts";

/** Orders at the start of each test, numbered from 1. Two each are of one customer. */
export const ORDERS = 200;
const SLOW_MS = 12;

export type BooksWorld = Awaited<ReturnType<typeof booksWorld>>;

/** @param prefix short name of the test file */
export async function booksWorld(prefix: string) {
  const world = await flowWorld<MortalDatabase>(prefix, mortalDatabase);
  const { ctx, client, database } = world;
  await client.query("CREATE TABLE orders (id int PRIMARY KEY, customer text, name text, seen timestamptz NOT NULL)");
  let books = await startBooks();
  const { url } = books;
  const one = { path: "/invoices/{number}" };
  const sinks = [
    { name: "invoices", key: ["number"], create: { path: "/invoices" }, update: one, delete: one, read: one },
  ];
  await createConnection(ctx, { name: "Books", connector: "http", settings: { baseUrl: url, sinks } });
  let flows = 0;

  const invoices = () => books.collection("invoices").records;
  const addOrders = (count: number, from: number) =>
    client.query(
      "INSERT INTO orders SELECT i, 'c' || i % 100, 'order ' || i, now() FROM generate_series($1::int, $1 + $2::int - 1) i",
      [from, count],
    );

  return {
    ...{ ctx, client, database, addOrders },
    effects: () => books.effects(),
    /** how long the system takes for a record */
    slow: (ms = SLOW_MS) => void Object.assign(books.faults, { slow: ms > 0 ? 1 : 0, slowMs: ms }),
    /** for `beforeEach` */
    async reset() {
      invoices().clear();
      await client.query("TRUNCATE orders");
      await addOrders(ORDERS, 1);
    },
    /** The system is down, until what this gives starts it again with what it held. It counts its changes anew then. */
    async stopBooks(): Promise<() => Promise<void>> {
      await books.close();
      const held = [...invoices()];
      return async () => {
        books = await startBooks(Number(new URL(url).port));
        for (const [key, record] of held) invoices().set(key, record);
      };
    },
    /** A published flow: read, `middle`, map, write into the books. @returns its id */
    async flow(middle: object[] = [], { read = {}, settings = {} } = {}): Promise<string> {
      const steps = [
        { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full", ...read },
        ...middle,
        {
          id: "map",
          kind: "map",
          fields: [
            { to: "number", from: "id" },
            { to: "name", from: "name" },
          ],
        },
        { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["number"] },
      ] as { id: string }[];
      const links = steps.slice(1).map(({ id }, at) => ({ from: steps[at]!.id, to: id }));
      const document = { format: "plumbline/1", name: `Flow ${++flows}`, brief: TEST_BRIEF, steps, links };
      return await publishedFlow(ctx, { ...document, settings: { pageSize: 40, ...settings } });
    },
    /** Runs a flow without anybody being killed. @returns the run */
    async quietly(flowId: string): Promise<string> {
      const { id } = await startRun(ctx, { flowId, mode: "live" });
      this.slow(0);
      await runToEnd(database, id);
      this.slow();
      return id;
    },
    /** numbers of the invoices that are there, in the order they arrived */
    arrived: () => [...invoices().values()].map(({ number }) => Number(number)),
    run: (id: string) => patiently(() => getRunDetail(ctx, id)),
    ended: (id: string) => patiently(async () => (await getRunDetail(ctx, id)).finishedAt !== null),
    /** no run of this flow has anything to do */
    async idle(flowId: string): Promise<boolean> {
      const sql = "SELECT FROM run WHERE flow_id = $1 AND state IN ('queued', 'running', 'waiting') LIMIT 1";
      return (await database.ask(sql, [flowId])).length === 0;
    },
    /**
     * The target holds each of these once, was changed once for each, and the ledger of the runs says the same.
     *
     * @param runs SQL that gives their numbers
     */
    async expectOnceEach(wanted: number[], effects: number, runs: string, about: string): Promise<void> {
      const sorted = this.arrived().sort((a, b) => a - b);
      expect(sorted, about).toEqual(wanted);
      expect(effects, about).toBe(wanted.length);
      expect(
        await database.ask(
          `SELECT count(*)::int AS n, count(DISTINCT record_key)::int AS keys FROM change WHERE state = 'done' AND run_id IN (${runs})`,
        ),
        about,
      ).toEqual([{ n: wanted.length, keys: wanted.length }]);
      const unbalanced = await database.ask(
        `SELECT id FROM run WHERE id IN (${runs}) AND read <> created + updated + deleted + unchanged + filtered + duplicate + dead + held`,
      );
      expect(unbalanced, about).toEqual([]);
    },
    async end() {
      await books.close();
      await world.end();
      vi.unstubAllEnvs();
    },
  };
}

const startBooks = (port = 0): Promise<FakeRest> =>
  startFakeRest({
    port,
    collections: { invoices: { key: "number", maxPageSize: 1000 } },
    idempotencyHeader: null,
    faults: { slow: 1, slowMs: SLOW_MS },
  });

/** The numbers `from` … `last`. */
export const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, at) => from + at);
