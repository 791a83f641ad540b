/**
 * 2,000 runs of one record each (read → map → upsert), of 40 flows, asked for through the REST interface over 16 connections
 * until the last has ended, each with its row in the history, its ledger row and its step counts. Beside it: as many jobs
 * of the same queue that do by hand what a run does, without history. Then the same with the runs queued already, and the
 * runs of a single flow, which go one after the other.
 */
import type pg from "pg";
import { enqueueRuns } from "../server/jobs/enqueue.ts";
import {
  freshDatabase,
  type Measured,
  median,
  productDatabase,
  ROUNDS,
  startProcess,
  startServer,
  startWorker,
  table,
  thousands,
  urlFor,
} from "./harness.ts";
import { addDatabase, addFlow, addRuns, addToken, addWorkspace, HEAD, secretKey } from "./prepare.ts";
import { Wire } from "./wire.ts";

const RUNS = Number(process.env.PLUMBLINE_BENCH_RUNS ?? 2_000);
const FLOWS = 40;
const CONNECTIONS = 16;

const document = {
  ...HEAD,
  steps: [
    { id: "ticks", kind: "read", connection: "source", stream: "tick", sync: "full" },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "number", from: "number" },
        { to: "label", formula: '"Tick " & number' },
      ],
    },
    { id: "log", kind: "write", connection: "target", sink: "log", operation: "upsert", match: ["number"] },
  ],
  links: [
    { from: "ticks", to: "map" },
    { from: "map", to: "log" },
  ],
};

/** Every look at the stream finds one new record. */
const SOURCE = `CREATE VIEW tick AS SELECT gen_random_uuid()::text AS number`;
const TARGET = "CREATE TABLE log (number text PRIMARY KEY, label text NOT NULL)";

type World = { product: pg.Pool; target: pg.Pool; token: string; close(): Promise<void> };

async function world(): Promise<World> {
  const source = await freshDatabase("bench_tiny_source");
  await source.query(SOURCE);
  const target = await freshDatabase("bench_tiny_target");
  await target.query(TARGET);
  const product = await productDatabase("bench_tiny");
  await addWorkspace(product);
  await addDatabase(product, "source", "bench_tiny_source");
  await addDatabase(product, "target", "bench_tiny_target");
  for (let n = 0; n < FLOWS; n++) await addFlow(product, `flow${n}`, document);
  const token = await addToken(product);
  return {
    product,
    target,
    token,
    async close() {
      await Promise.all([source.end(), target.end(), product.end()]);
    },
  };
}

/** Waits until no run is left, and checks the history, the ledger and the target. */
async function ended({ product, target }: World, runs: number): Promise<void> {
  for (;;) {
    const { rows } = await product.query("SELECT 1 FROM run WHERE state IN ('queued', 'running', 'waiting') LIMIT 1");
    if (rows.length === 0) break;
    await new Promise((done) => setTimeout(done, 10));
  }
  const { rows } = await product.query(
    `SELECT (SELECT count(*)::int FROM run WHERE state = 'succeeded' AND read = 1 AND created = 1 AND finished_at IS NOT NULL) AS runs,
       (SELECT count(DISTINCT run_id)::int FROM change WHERE state = 'done') AS ledger,
       (SELECT count(*)::int FROM run WHERE steps @> '[{"id": "ticks", "out": 1}, {"id": "log", "created": 1}]') AS steps`,
  );
  const written = (await target.query("SELECT count(*)::int AS n FROM log")).rows[0].n;
  const found = { ...rows[0], written };
  const expected = { runs, ledger: runs, steps: runs, written: runs };
  if (JSON.stringify(found) === JSON.stringify(expected)) return;
  const bad = await product.query("SELECT id, state, error FROM run WHERE state <> 'succeeded' LIMIT 1");
  throw new Error(
    `Expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}, ${JSON.stringify(bad.rows[0] ?? "no failed run")}.`,
  );
}

async function queued({ product }: World, runs: number, flows: number): Promise<void> {
  const client = await product.connect();
  await client.query("BEGIN");
  await enqueueRuns(client, await addRuns(client, runs, flows));
  await client.query("COMMIT");
  client.release();
}

/** Runs what is queued already, from the worker's start of work to the end of the last run. */
async function execute(flows: number): Promise<number> {
  const here = await world();
  await queued(here, flows, flows); // the first run of a flow also compiles it and meets its systems
  const worker = await startWorker("bench_tiny", secretKey);
  await ended(here, flows);
  const began = performance.now();
  await queued(here, RUNS, flows);
  const afterQueueing = performance.now();
  await ended(here, RUNS + flows);
  const seconds = (performance.now() - Math.min(afterQueueing, began)) / 1000;
  await worker.stop();
  await here.close();
  return RUNS / seconds;
}

async function requested(): Promise<number> {
  const here = await world();
  const [worker, server] = await Promise.all([
    startWorker("bench_tiny", secretKey),
    startServer("product", "bench_tiny", secretKey),
  ]);
  const ask = (wire: Wire, n: number) =>
    wire.post(`/api/v1/flows/flow${n % FLOWS}/runs`, '{"mode":"live"}', `authorization: Bearer ${here.token}\r\n`);
  await Wire.flood(server.port, { connections: CONNECTIONS, count: FLOWS, post: ask });
  await ended(here, FLOWS);
  const began = performance.now();
  await Wire.flood(server.port, { connections: CONNECTIONS, count: RUNS, post: ask });
  await ended(here, RUNS + FLOWS);
  const seconds = (performance.now() - began) / 1000;
  await Promise.all([worker.stop(), server.stop()]);
  await here.close();
  return RUNS / seconds;
}

async function byHand(): Promise<number> {
  const here = await world();
  const { product, target } = here;
  const env = {
    DATABASE_URL: urlFor("bench_tiny"),
    SOURCE_URL: urlFor("bench_tiny_source"),
    TARGET_URL: urlFor("bench_tiny_target"),
  };
  const worker: Measured = await startProcess(["bench/tick-worker.ts"], env, /is ready/);
  const began = performance.now();
  await product.query(
    "SELECT count(graphile_worker.add_job('tick', json_build_object('n', n))) FROM generate_series(1, $1::int) n",
    [RUNS],
  );
  for (;;) {
    const { rows } = await target.query("SELECT count(*)::int AS n FROM log");
    if (rows[0].n === RUNS) break;
    await new Promise((done) => setTimeout(done, 10));
  }
  const seconds = (performance.now() - began) / 1000;
  await worker.stop();
  await here.close();
  return RUNS / seconds;
}

const rates = { hand: [] as number[], requested: [] as number[], queued: [] as number[], oneFlow: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  rates.hand.push(await byHand());
  rates.queued.push(await execute(FLOWS));
  rates.requested.push(await requested());
  rates.oneFlow.push(await execute(1));
}
const hand = median(rates.hand);
const row = (name: string, values: number[]) => [
  thousands(RUNS),
  name,
  thousands(median(values)),
  `${Math.round((100 * median(values)) / hand)} %`,
];
table(
  ["runs", "of one record", "runs/s", "of by hand"],
  [
    row("by hand: a job each, one SELECT, one upsert, no history", rates.hand),
    row(`Plumbline, of ${FLOWS} flows, queued in one transaction`, rates.queued),
    row(`Plumbline, of ${FLOWS} flows, asked for over REST`, rates.requested),
    row("Plumbline, of one flow, one after the other", rates.oneFlow),
  ],
  {
    title: "Tiny runs",
    about: `${thousands(RUNS)} runs that each read one record, map it and upsert it, from the first request until the last has ended, one worker process. Each has its row in the history with counts per step, and its ledger row; all are counted afterwards. By hand are jobs of the same queue (8 at a time, its fastest options) that read and upsert and leave nothing behind.`,
    promises: [
      {
        work: `${thousands(RUNS)} tiny runs with history`,
        target: "≥ 500 runs/s",
        measured: `${thousands(median(rates.queued))} runs/s; asked for one by one over REST ${thousands(median(rates.requested))}`,
        kept: median(rates.queued) >= 500,
      },
    ],
    limit:
      "processor time, more than half of it PostgreSQL's: each run reads in a transaction of its own in the source and writes in one of its own in the target; claim, ledger and end go together with those of the runs beside it (docs/decisions/0010), eight at most. Durable one after the other are claim, ledger, target, end. Runs of one flow do not overlap: each is taken with the end of the one before. Asked for over REST, web checks, stores and audits the requests that come together in one statement more, on the same two cores.",
  },
);
