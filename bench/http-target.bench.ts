/**
 * 2,000 creates into an HTTP target that takes 50 requests a second, answers 429 above and 503 to 5 % of what it takes. Nothing
 * is typed in about its rate. PLUMBLINE_BENCH_BURST sets how many requests it takes at once (default 50).
 */
import { startFakeRest } from "../connectors/testing/fake-rest.ts";
import { enqueueRun } from "../server/jobs/enqueue.ts";
import { freshDatabase, median, productDatabase, ROUNDS, startWorker, table, thousands } from "./harness.ts";
import { addConnection, addDatabase, addFlow, addRun, addWorkspace, HEAD, secretKey } from "./prepare.ts";

const RECORDS = 2_000;
const PER_SECOND = 50;
const BURST = Number(process.env.PLUMBLINE_BENCH_BURST ?? 50);
const UNAVAILABLE = 0.05;
const WORKERS = Number(process.env.PLUMBLINE_BENCH_WORKERS ?? 1);

const document = {
  ...HEAD,
  steps: [
    { id: "orders", kind: "read", connection: "source", stream: "orders", sync: "full" },
    { id: "books", kind: "write", connection: "books", sink: "invoices", operation: "insert" },
  ],
  links: [{ from: "orders", to: "books" }],
};

/** How the connection to the books is set up: nothing is said about how fast they are. */
const books = (baseUrl: string) => ({
  baseUrl,
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
});

async function once(): Promise<{ seconds: number; refusals: number; requests: number }> {
  const rest = await startFakeRest({
    seed: 11,
    collections: { invoices: { key: "number", required: ["number"] } },
    rateLimit: { perSecond: PER_SECOND, burst: BURST },
    faults: { unavailable: UNAVAILABLE },
  });
  const product = await productDatabase("plumbline_bench_http");
  await addWorkspace(product);
  await addDatabase(product, "source", "plumbline_bench_http_source");
  await addConnection(product, { name: "books", connector: "http", settings: books(rest.url), credentials: {} });
  await addFlow(product, "flw_bench", document);
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, () => startWorker("plumbline_bench_http", secretKey)),
  );
  try {
    const id = await addRun(product, "flw_bench");
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
      const held = rest.collection("invoices").records.size;
      if (run.state !== "succeeded" || run.created !== RECORDS || held !== RECORDS || rest.effects() !== RECORDS)
        throw new Error(
          `Expected ${RECORDS} created once each, found ${JSON.stringify(run)}, ${held} records, ${rest.effects()} effects.`,
        );
      return { seconds, refusals: rest.log.filter(({ status }) => status === 429).length, requests: rest.log.length };
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await product.end();
    await rest.close();
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
  {
    title: "HTTP target at its rate",
    about: `2,000 creates into an HTTP target that takes ${PER_SECOND} requests a second (${BURST} at once), answers 429 above and 503 to 5 % of what it takes. Nothing about its rate is typed in. The ideal sends every request the moment it is allowed, and those answered 503 once more.`,
    promises: [
      {
        work: "2,000 creates into an HTTP target at 50 requests/s with 429 and 5 % 503",
        target: "≤ 1.1 × the ideal, none lost, none twice",
        measured: `${(seconds / ideal).toFixed(2)} × (${seconds.toFixed(1)} s of ${ideal.toFixed(1)} s)`,
        kept: seconds <= 1.1 * ideal,
      },
    ],
    limit: "The target's own rate; the processes of this machine idle.",
  },
);
