/**
 * The same work with 1, 2 and 4 worker processes: one big run, which the workers share by stretches of its key, many small runs,
 * and one run into a slow HTTP target. Beside the throughput: what it costs in processor time, here and in PostgreSQL, what
 * is written to the WAL, what sessions wait for and how many there are: what the next limit is when workers are added on
 * other machines. PLUMBLINE_BENCH_ROWS sets the size of the big run (default 400000).
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import pg from "pg";
import { startFakeRest } from "../connectors/testing/fake-rest.ts";
import { enqueueRun } from "../server/jobs/enqueue.ts";
import {
  adminUrl,
  freshDatabase,
  type Measured,
  median,
  productDatabase,
  ROUNDS,
  startWorker,
  table,
  thousands,
} from "./harness.ts";
import { addConnection, addDatabase, addFlow, addRun, addWorkspace, HEAD, secretKey } from "./prepare.ts";

const ROWS = Number(process.env.PLUMBLINE_BENCH_ROWS ?? 400_000);
const SMALL_RUNS = Number(process.env.PLUMBLINE_BENCH_RUNS ?? 400);
const SMALL_ROWS = 500;
const CREATES = 1_000;
const LATENCY_MS = 200;
const WORKERS = [1, 2, 4];

/** Processor time of all processes of the server in seconds, those that have ended included; NaN where it cannot be told. */
function postgresCpu(postmaster: number): number {
  const times = (pid: string | number) => {
    const file = `/proc/${pid}/stat`;
    if (!existsSync(file)) return undefined;
    const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
    return {
      parent: Number(fields[1]),
      own: Number(fields[11]) + Number(fields[12]),
      ended: Number(fields[13]) + Number(fields[14]),
    };
  };
  const all = times(postmaster);
  if (!all) return Number.NaN;
  let ticks = all.own + all.ended;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const one = times(pid);
    if (one?.parent === postmaster) ticks += one.own;
  }
  return ticks / 100;
}

function processCpu(pid: number | undefined): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return Number.NaN;
  const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

type Cost = {
  seconds: number;
  workerCpu: number;
  postgresCpu: number;
  walMb: number;
  /** share of looks at sessions at work that found them waiting for a row, for the WAL, or for anything else */
  waits: { row: number; wal: number; other: number };
  sessions: number;
};

/** Watches server and workers while `work` goes on. */
async function watched(workers: Measured[], work: () => Promise<void>): Promise<Cost> {
  const admin = new pg.Client({ connectionString: adminUrl(), application_name: "bench" });
  await admin.connect();
  const own = (await admin.query("SELECT pg_backend_pid() AS pid")).rows[0].pid as number;
  const status = `/proc/${own}/stat`;
  const postmaster = existsSync(status) ? Number(readFileSync(status, "utf8").split(") ")[1]?.split(" ")[1]) : -1;
  const wal = async () => (await admin.query("SELECT pg_current_wal_insert_lsn() - '0/0' AS at")).rows[0].at as string;
  const cpu = () => workers.reduce((sum, { child }) => sum + processCpu(child.pid), 0);
  const looks = { all: 0, row: 0, wal: 0, other: 0 };
  let sessions = 0;
  let over = false;
  const looking = (async () => {
    while (!over) {
      const { rows } = await admin.query(
        `SELECT count(*)::int AS sessions, count(*) FILTER (WHERE state = 'active')::int AS active,
           count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock')::int AS row,
           count(*) FILTER (WHERE state = 'active' AND wait_event ILIKE '%wal%')::int AS wal,
           count(*) FILTER (WHERE state = 'active' AND wait_event IS NOT NULL AND wait_event_type NOT IN ('Lock', 'Client') AND wait_event NOT ILIKE '%wal%')::int AS other
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'bench'`,
      );
      const look = rows[0];
      looks.all += look.active;
      for (const kind of ["row", "wal", "other"] as const) looks[kind] += look[kind];
      sessions = Math.max(sessions, look.sessions);
      await new Promise((done) => setTimeout(done, 25));
    }
  })();
  const before = { wal: await wal(), workers: cpu(), postgres: postgresCpu(postmaster) };
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  over = true;
  await looking;
  const walMb = (Number(await wal()) - Number(before.wal)) / 1e6;
  const cost = { workerCpu: cpu() - before.workers, postgresCpu: postgresCpu(postmaster) - before.postgres };
  await admin.end();
  const share = (count: number) => (looks.all === 0 ? 0 : count / looks.all);
  const waits = { row: share(looks.row), wal: share(looks.wal), other: share(looks.other) };
  return { seconds, ...cost, walMb, waits, sessions };
}

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

async function seed(rows: number): Promise<void> {
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
  for (const flow of flows) await enqueueRun(client, await addRun(client, flow));
  await client.query("COMMIT");
  client.release();
}

async function big(count: number): Promise<Cost> {
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
async function small(count: number): Promise<Cost> {
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
async function slow(count: number): Promise<Cost> {
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

type Kind = {
  title: string;
  unit: string;
  units: number;
  rows: number;
  source: number;
  run(workers: number): Promise<Cost>;
};
const kinds: Kind[] = [
  { title: `one run of ${thousands(ROWS)} rows`, unit: "rows/s", units: ROWS, rows: ROWS, source: ROWS, run: big },
  {
    title: `${SMALL_RUNS} runs of ${SMALL_ROWS} rows`,
    unit: "runs/s",
    units: SMALL_RUNS,
    rows: SMALL_RUNS * SMALL_ROWS,
    source: SMALL_ROWS,
    run: small,
  },
  {
    title: `one run of ${thousands(CREATES)} creates, ${LATENCY_MS} ms each`,
    unit: "creates/s",
    units: CREATES,
    rows: CREATES,
    source: CREATES,
    run: slow,
  },
];

const speeds: string[][] = [];
const costs: string[][] = [];
for (const { title, unit, units, rows, source, run } of kinds) {
  await seed(source);
  let alone = 0;
  for (const count of WORKERS) {
    // eight stretches (records that are sent one by one count 25 times); at 400 000 rows that is the product's own choice
    process.env.PLUMBLINE_STRETCH_ROWS = String(run === slow ? (CREATES / 8) * 25 : ROWS / 8);
    const rounds: Cost[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await run(count));
    const of = (value: (cost: Cost) => number) => median(rounds.map(value));
    const rate = units / of(({ seconds }) => seconds);
    if (count === 1) alone = rate;
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    speeds.push([title, String(count), `${thousands(rate)} ${unit}`, (rate / alone).toFixed(2)]);
    costs.push([
      title,
      String(count),
      Math.round((1e6 * of((cost) => cost.workerCpu)) / rows).toString(),
      Math.round((1e6 * of((cost) => cost.postgresCpu)) / rows).toString(),
      (of((cost) => cost.workerCpu + cost.postgresCpu) / of(({ seconds }) => seconds)).toFixed(1),
      Math.round((1e6 * of((cost) => cost.walMb)) / rows).toString(),
      percent(of(({ waits }) => waits.row)),
      percent(of(({ waits }) => waits.wal)),
      percent(of(({ waits }) => waits.other)),
      String(of(({ sessions }) => sessions)),
    ]);
    console.log([...(speeds.at(-1) ?? []), ...(costs.at(-1) ?? []).slice(2)].join("  "));
  }
}
table(["work", "workers", "throughput", "of one worker"], speeds, {
  title: "More workers",
  about:
    "The same work with 1, 2 and 4 worker processes, all of them on this one machine beside PostgreSQL, which also holds the source and the target.",
  limit:
    "The processors of this machine, where workers and PostgreSQL share them: the table below says what each needs. A slow target is another matter: workers wait for it side by side.",
});
table(
  [
    "work",
    "workers",
    "worker CPU, µs a row",
    "PostgreSQL CPU, µs a row",
    "processors busy",
    "WAL, bytes a row",
    "waits for rows",
    "for WAL",
    "for other things",
    "sessions",
  ],
  costs,
  {
    title: "What more workers need",
    about:
      "Processor time and WAL per row, of source, target, ledger and queue together; what sessions at work were waiting for when looked at every 25 ms; and the most sessions there were.",
  },
);
