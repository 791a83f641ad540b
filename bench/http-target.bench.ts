/**
 * 2,000 creates into an HTTP target that takes 50 requests a second, answers 429 above and 503 to 5 % of what it takes. Nothing
 * is typed in about its rate. PLUMBLINE_BENCH_BURST sets how many requests it takes at once (default 50).
 */
import type pg from "pg";
import { startFakeRest } from "../connectors/testing/fake-rest.ts";
import { sealCredentials } from "../server/connections/stored-connection.ts";
import { enqueueRun } from "../server/jobs/enqueue.ts";
import {
  adminUrl,
  freshDatabase,
  median,
  newSecretKey,
  productDatabase,
  startWorker,
  table,
  thousands,
} from "./harness.ts";

const ROUNDS = Number(process.env.PLUMBLINE_BENCH_ROUNDS ?? 3);
const RECORDS = 2_000;
const PER_SECOND = 50;
const BURST = Number(process.env.PLUMBLINE_BENCH_BURST ?? 50);
const UNAVAILABLE = 0.05;
const WORKSPACE = "ws_bench";
const WORKERS = Number(process.env.PLUMBLINE_BENCH_WORKERS ?? 1);

const secretKey = newSecretKey();
process.env.PLUMBLINE_SECRET_KEY = secretKey;

const document = {
  format: "plumbline/1",
  name: "Bench",
  brief: {
    moves: "orders",
    direction: "one-way",
    timing: "by hand",
    onFailure: "dead letter",
    owner: "bench@example.com",
    rollback: "undo",
  },
  steps: [
    { id: "orders", kind: "read", connection: "source", stream: "orders", sync: "full" },
    { id: "books", kind: "write", connection: "books", sink: "invoices", operation: "insert" },
  ],
  links: [{ from: "orders", to: "books" }],
};

type Connecting = { id: string; name: string; connector: string; settings: object; credentials: object };

async function connect(product: pg.Pool, { id, name, connector, settings, credentials }: Connecting): Promise<void> {
  await product.query(
    `INSERT INTO connection (id, workspace_id, name, connector, settings, credentials, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, now(), now())`,
    [id, WORKSPACE, name, connector, JSON.stringify(settings), sealCredentials(WORKSPACE, id, credentials)],
  );
}

async function prepare(product: pg.Pool, booksUrl: string): Promise<void> {
  const { hostname, port, username, password } = new URL(adminUrl());
  await product.query("INSERT INTO workspace (id, name, created_at) VALUES ($1, 'Bench', now())", [WORKSPACE]);
  await connect(product, {
    id: "con_source",
    name: "source",
    connector: "postgres",
    settings: {
      host: hostname,
      port: Number(port || 5432),
      database: "plumbline_bench_http_source",
      schema: "public",
      ssl: "disable",
    },
    credentials: { user: decodeURIComponent(username || "postgres"), password: decodeURIComponent(password) },
  });
  await connect(product, {
    id: "con_books",
    name: "books",
    connector: "http",
    settings: {
      baseUrl: booksUrl,
      auth: { kind: "none" },
      streams: [],
      sinks: [
        {
          name: "invoices",
          key: ["number"],
          create: { path: "/invoices" },
          idempotencyHeader: "Idempotency-Key",
          concurrency: 4,
          batchSize: 200,
        },
      ],
      headers: {},
      timeoutMs: 30_000,
    },
    credentials: {},
  });
  await product.query(
    "INSERT INTO flow (id, workspace_id, name, hook_key, live_version, created_by, created_at, updated_at) VALUES ('flw_bench', $1, 'Bench', 'bench', 1, 'bench', now(), now())",
    [WORKSPACE],
  );
  await product.query(
    "INSERT INTO flow_version (flow_id, version, workspace_id, document, note, published_by, published_at) VALUES ('flw_bench', 1, $1, $2, '', 'bench', now())",
    [WORKSPACE, JSON.stringify(document)],
  );
}

async function once(): Promise<{ seconds: number; refusals: number; requests: number }> {
  const books = await startFakeRest({
    seed: 11,
    collections: { invoices: { key: "number", required: ["number"] } },
    rateLimit: { perSecond: PER_SECOND, burst: BURST },
    faults: { unavailable: UNAVAILABLE },
  });
  const product = await productDatabase("plumbline_bench_http");
  await prepare(product, books.url);
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, () => startWorker("plumbline_bench_http", secretKey)),
  );
  try {
    const { rows } = await product.query<{ id: string }>(
      "INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by) VALUES ($1, 'flw_bench', 1, 'flow', 'live', 'manual', 'bench') RETURNING id::text",
      [WORKSPACE],
    );
    const id = rows[0]?.id ?? "";
    const client = await product.connect();
    const started = Date.now();
    await enqueueRun(client, id);
    client.release();
    for (;;) {
      const { rows: found } = await product.query(
        "SELECT state, created::int, dead::int, read::int, error FROM run WHERE id = $1",
        [id],
      );
      const run = found[0];
      if (["queued", "running", "waiting"].includes(run.state)) {
        await new Promise((done) => setTimeout(done, 50));
        continue;
      }
      const seconds = (Date.now() - started) / 1000;
      const held = books.collection("invoices").records.size;
      if (run.state !== "succeeded" || run.created !== RECORDS || held !== RECORDS || books.effects() !== RECORDS)
        throw new Error(
          `Expected ${RECORDS} created once each, found ${JSON.stringify(run)}, ${held} records, ${books.effects()} effects.`,
        );
      return { seconds, refusals: books.log.filter(({ status }) => status === 429).length, requests: books.log.length };
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await product.end();
    await books.close();
  }
}

const source = await freshDatabase("plumbline_bench_http_source");
await source.query("CREATE TABLE orders (number text PRIMARY KEY, total int)");
await source.query(`INSERT INTO orders SELECT 'n' || i, i FROM generate_series(1, ${RECORDS}) i`);
await source.end();

const rounds: Awaited<ReturnType<typeof once>>[] = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await once());
const ideal = RECORDS / PER_SECOND / (1 - UNAVAILABLE);
const seconds = median(rounds.map((round) => round.seconds));
table(
  ["creates", "HTTP target", "seconds", "of ideal", "requests", "refused (429)"],
  [
    [thousands(RECORDS), "ideal at its rate", ideal.toFixed(1), "1.00", thousands(RECORDS / (1 - UNAVAILABLE)), "0"],
    [
      thousands(RECORDS),
      "Plumbline, none lost, none twice",
      seconds.toFixed(1),
      (seconds / ideal).toFixed(2),
      thousands(median(rounds.map((round) => round.requests))),
      thousands(median(rounds.map((round) => round.refusals))),
    ],
  ],
);
