/** The work that more workers share: one big run, many small ones, and one into a slow HTTP target. */
import type pg from "pg";
import { startFakeRest } from "../connectors/testing/fake-rest.ts";
import { enqueueRuns } from "../server/jobs/enqueue.ts";
import { type Cost, watched } from "./cost.ts";
import { freshDatabase, type Measured, productDatabase, startWorker } from "./harness.ts";
import { addConnection, addDatabase, addFlow, addRun, addWorkspace, HEAD, secretKey } from "./prepare.ts";

export const ROWS = Number(process.env.PLUMBLINE_BENCH_ROWS ?? 400_000);
export const SMALL_RUNS = Number(process.env.PLUMBLINE_BENCH_RUNS ?? 400);
export const SMALL_ROWS = 500;
export const CREATES = 1_000;
export const LATENCY_MS = 200;

/** @param external where the target's number comes from: a copy of the stream's unique one lets a run be divided */
const steps = (sink: object, external: object = { from: "order_no" }) => [
  { id: "orders", kind: "read", connection: "source", stream: "orders", sync: "full" },
  {
    id: "check",
    kind: "check",
    rules: [
      { field: "email", is: "email" },
      { field: "total", is: "number", min: 0 },
    ],
    otherwise: "dead",
  },
  {
    id: "map",
    kind: "map",
    fields: [
      { to: "external_id", ...external },
      { to: "customer", from: "customer_name", apply: ["trim"] },
      { to: "email", from: "email", apply: ["lower"] },
      { to: "gross", formula: "ROUND(total * 1.19, 2)" },
      { to: "currency", value: "EUR" },
      { to: "quantity", from: "quantity" },
    ],
  },
  { id: "books", kind: "write", ...sink },
];
const links = [
  { from: "orders", to: "check" },
  { from: "check", to: "map" },
  { from: "map", to: "books" },
];
const upsert = { connection: "target", sink: "invoices", operation: "upsert", match: ["external_id"] };

export async function seed(rows: number): Promise<void> {
  const source = await freshDatabase("bench_growth_source");
  await source.query(`CREATE TABLE orders (id int PRIMARY KEY, order_no text NOT NULL UNIQUE, customer_name text NOT NULL, email text NOT NULL,
    total numeric(12,2) NOT NULL, quantity int NOT NULL)`);
  await source.query(
    `INSERT INTO orders SELECT i, 'SO-' || i, ' Customer ' || i || ' ', 'Customer' || i || '@Example.com', (i % 90000) / 100.0, i % 7
     FROM generate_series(1, $1::int) i`,
    [rows],
  );
  await source.query("VACUUM ANALYZE orders");
  await source.end();
}

async function prepared(): Promise<{ product: pg.Pool; target: pg.Pool }> {
  const target = await freshDatabase("bench_growth_target");
  await target.query(`CREATE TABLE invoices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, external_id text NOT NULL UNIQUE, customer text NOT NULL,
    email text, gross numeric(12,2), currency text, quantity int)`);
  const product = await productDatabase("bench_growth");
  await addWorkspace(product);
  await addDatabase(product, "source", "bench_growth_source");
  await addDatabase(product, "target", "bench_growth_target");
  return { product, target };
}

/** Waits for all runs, and checks that each record has its outcome and its ledger row once. */
async function ended(product: pg.Pool, runs: number, records: number): Promise<void> {
  for (;;) {
    const { rows } = await product.query(
      `SELECT count(*) FILTER (WHERE state IN ('queued', 'running', 'waiting'))::int AS open,
         count(*) FILTER (WHERE state = 'succeeded')::int AS good, max(error::text) AS error, sum(created + updated + unchanged)::int AS done FROM run`,
    );
    const { open, good, error, done } = rows[0];
    if (open > 0) {
      await new Promise((next) => setTimeout(next, 20));
      continue;
    }
    if (good !== runs || done !== records)
      throw new Error(`Expected ${runs} runs of ${records} records, found ${JSON.stringify({ good, done, error })}.`);
    return;
  }
}

async function workersFor(count: number, work: (workers: Measured[]) => Promise<Cost>): Promise<Cost> {
  const workers = await Promise.all(Array.from({ length: count }, () => startWorker("bench_growth", secretKey)));
  try {
    return await work(workers);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

async function start(product: pg.Pool, flows: string[]): Promise<void> {
  const client = await product.connect();
  await client.query("BEGIN");
  const ids: string[] = [];
  for (const flow of flows) ids.push(await addRun(client, flow));
  await enqueueRuns(client, ids);
  await client.query("COMMIT");
  client.release();
}

export async function big(count: number): Promise<Cost> {
  const { product, target } = await prepared();
  await addFlow(product, "big", { ...HEAD, steps: steps(upsert), links });
  const cost = await workersFor(count, (workers) =>
    watched(workers, async () => {
      await start(product, ["big"]);
      await ended(product, 1, ROWS);
    }),
  );
  const { rows } = await product.query(
    "SELECT stretches, (SELECT count(DISTINCT record_key)::int FROM change WHERE state = 'done') AS ledger FROM run",
  );
  const written = (await target.query("SELECT count(*)::int AS n FROM invoices")).rows[0].n;
  if (!(rows[0].stretches > 1) || rows[0].ledger !== ROWS || written !== ROWS)
    throw new Error(`Expected a divided run of ${ROWS} rows, found ${JSON.stringify(rows[0])} and ${written} rows.`);
  await product.end();
  await target.end();
  return cost;
}

/** As many flows as runs; each writes rows of its own. */
export async function small(count: number): Promise<Cost> {
  const { product, target } = await prepared();
  const flows = Array.from({ length: SMALL_RUNS }, (_, n) => `small${n}`);
  for (const flow of flows)
    await addFlow(product, flow, { ...HEAD, steps: steps(upsert, { formula: `"${flow}/" & order_no` }), links });
  const cost = await workersFor(count, (workers) =>
    watched(workers, async () => {
      await start(product, flows);
      await ended(product, SMALL_RUNS, SMALL_RUNS * SMALL_ROWS);
    }),
  );
  const { rows } = await target.query("SELECT count(*)::int AS n FROM invoices");
  if (rows[0].n !== SMALL_RUNS * SMALL_ROWS)
    throw new Error(`Expected ${SMALL_RUNS * SMALL_ROWS} rows, found ${rows[0].n}.`);
  await product.end();
  await target.end();
  return cost;
}

/** A target that answers after 200 ms and takes any number of requests; 4 at once from each stretch. */
export async function slow(count: number): Promise<Cost> {
  const { product, target } = await prepared();
  const rest = await startFakeRest({
    seed: 5,
    collections: { invoices: { key: "external_id" } },
    faults: { slow: 1, slowMs: LATENCY_MS },
  });
  const sink = {
    ...{ name: "invoices", key: ["external_id"], create: { path: "/invoices" } },
    ...{ idempotencyHeader: "Idempotency-Key", concurrency: 4, batchSize: 100 },
  };
  const settings = {
    baseUrl: rest.url,
    auth: { kind: "none" },
    streams: [],
    sinks: [sink],
    headers: {},
    timeoutMs: 30_000,
  };
  await addConnection(product, { name: "books", connector: "http", settings, credentials: {} });
  await addFlow(product, "slow", {
    ...HEAD,
    steps: steps({ connection: "books", sink: "invoices", operation: "insert" }),
    links,
  });
  const cost = await workersFor(count, (workers) =>
    watched(workers, async () => {
      await start(product, ["slow"]);
      await ended(product, 1, CREATES);
    }),
  );
  if (rest.effects() !== CREATES) throw new Error(`Expected ${CREATES} creates, the target had ${rest.effects()}.`);
  await rest.close();
  await product.end();
  await target.end();
  return cost;
}
