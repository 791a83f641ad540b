/**
 * PostgreSQL → check 3 rules → map 10 fields → upsert PostgreSQL with ledger and before-images, beside a hand-written
 * pg-cursor → unnest upsert without ledger, in turn: into an empty table, then with every row changed.
 * PLUMBLINE_BENCH_ROWS names the sizes (default 100000,1000000).
 */
import type pg from "pg";
import Cursor from "pg-cursor";
import { enqueueRun } from "../server/jobs/enqueue.ts";
import {
  freshDatabase,
  median,
  type Promised,
  productDatabase,
  ROUNDS,
  startWorker,
  table,
  thousands,
} from "./harness.ts";
import { addDatabase, addFlow, addRun, addWorkspace, HEAD, secretKey } from "./prepare.ts";

const SIZES = (process.env.PLUMBLINE_BENCH_ROWS ?? "100000,1000000").split(",").map(Number);

const document = {
  ...HEAD,
  steps: [
    { id: "orders", kind: "read", connection: "source", stream: "orders", sync: "full" },
    {
      id: "check",
      kind: "check",
      rules: [
        { field: "email", is: "email" },
        { field: "total", is: "number", min: 0 },
        { field: "status", oneOf: ["paid", "open", "shipped"] },
      ],
      otherwise: "dead",
    },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "external_id", from: "order_no" },
        { to: "customer", from: "customer_name", apply: ["trim"] },
        { to: "email", from: "email", apply: ["lower"] },
        { to: "city", from: "city", apply: ["upper"] },
        { to: "label", formula: 'order_no & " / " & city' },
        { to: "net", from: "total" },
        { to: "gross", formula: "ROUND(total * 1.19, 2)" },
        { to: "currency", value: "EUR" },
        { to: "status", from: "status" },
        { to: "quantity", from: "quantity" },
      ],
    },
    { id: "books", kind: "write", connection: "target", sink: "invoices", operation: "upsert", match: ["external_id"] },
  ],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "map" },
    { from: "map", to: "books" },
  ],
};

const COLUMNS = [
  "external_id",
  "customer",
  "email",
  "city",
  "label",
  "net",
  "gross",
  "currency",
  "status",
  "quantity",
] as const;
const TYPES = ["text", "text", "text", "text", "text", "numeric", "numeric", "text", "text", "int"];

async function seed(source: pg.Pool, rows: number): Promise<void> {
  await source.query(`CREATE TABLE orders (id int PRIMARY KEY, order_no text NOT NULL, customer_name text NOT NULL, email text NOT NULL,
    city text NOT NULL, total numeric(12,2) NOT NULL, status text NOT NULL, quantity int NOT NULL, ordered_on date NOT NULL, note text)`);
  await source.query(
    `INSERT INTO orders SELECT i, 'SO-' || i, ' Customer ' || i || ' ', 'Customer' || i || '@Example.com', (ARRAY['Berlin','Lyon','Porto'])[1 + i % 3],
       (i % 90000) / 100.0, (ARRAY['paid','open','shipped'])[1 + i % 3], i % 7, date '2026-01-01' + i % 300, 'note ' || i FROM generate_series(1, $1::int) i`,
    [rows],
  );
  await source.query("ANALYZE orders");
}

async function target(name: string): Promise<pg.Pool> {
  const pool = await freshDatabase(name);
  await pool.query(`CREATE TABLE invoices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, external_id text NOT NULL UNIQUE, customer text NOT NULL,
    email text, city text, label text, net numeric(12,2), gross numeric(12,2), currency text, status text, quantity int)`);
  return pool;
}

/** What one would write by hand: no checks, no ledger, no before-images, no checkpoint. */
async function byHand(source: pg.Pool, sink: pg.Pool): Promise<number> {
  const began = performance.now();
  const client = await source.connect();
  const cursor = client.query(
    new Cursor("SELECT order_no, customer_name, email, city, total, status, quantity FROM orders ORDER BY id"),
  );
  const sql = `INSERT INTO invoices (${COLUMNS.join(", ")}) SELECT * FROM unnest(${TYPES.map((type, i) => `$${i + 1}::${type}[]`).join(", ")})
    ON CONFLICT (external_id) DO UPDATE SET ${COLUMNS.slice(1)
      .map((name) => `${name} = excluded.${name}`)
      .join(", ")}`;
  for (;;) {
    const page = await cursor.read(1000);
    if (page.length === 0) break;
    const arrays: unknown[][] = COLUMNS.map(() => []);
    for (const row of page) {
      const values = [
        row.order_no,
        row.customer_name.trim(),
        row.email.toLowerCase(),
        row.city.toUpperCase(),
        `${row.order_no} / ${row.city}`,
        row.total,
        (Math.round(Number(row.total) * 119) / 100).toFixed(2),
        "EUR",
        row.status,
        row.quantity,
      ];
      for (let i = 0; i < values.length; i++) arrays[i]?.push(values[i]);
    }
    await sink.query({ name: "by-hand", text: sql, values: arrays });
  }
  await cursor.close();
  client.release();
  return (performance.now() - began) / 1000;
}

async function prepareProduct(product: pg.Pool): Promise<void> {
  await addWorkspace(product);
  await addDatabase(product, "source", "bench_source");
  await addDatabase(product, "target", "bench_target");
  await addFlow(product, "flw_bench", document);
}

async function byProduct(product: pg.Pool, rows: number): Promise<number> {
  const client = await product.connect();
  await client.query("BEGIN");
  const id = await addRun(client, "flw_bench");
  await enqueueRun(client, id);
  await client.query("COMMIT");
  client.release();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { rows: found } = await product.query(
      `SELECT state, read::int, created::int + updated::int AS written, error, extract(epoch FROM finished_at - started_at)::float8 AS seconds FROM run WHERE id = $1`,
      [id],
    );
    const run = found[0];
    if (run.state === "succeeded") {
      if (run.read !== rows || run.written !== rows)
        throw new Error(`Run ${id} wrote ${run.written} of ${run.read} records, expected ${rows}.`);
      return run.seconds;
    }
    if (run.state !== "queued" && run.state !== "running")
      throw new Error(`Run ${id} is ${run.state}: ${JSON.stringify(run.error)}`);
  }
}

const CHANGE_ALL = "UPDATE orders SET quantity = quantity + 1";
const results: string[][] = [];
const promises: Promised[] = [];
for (const rows of SIZES) {
  const source = await freshDatabase("bench_source");
  await seed(source, rows);
  const seconds: Record<"hand" | "handAgain" | "new" | "update", number[]> = {
    hand: [],
    handAgain: [],
    new: [],
    update: [],
  };
  const memory: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const hand = await target("bench_by_hand");
    const sink = await target("bench_target");
    const product = await productDatabase("bench_product");
    await prepareProduct(product);
    const worker = await startWorker("bench_product", secretKey);
    seconds.hand.push(await byHand(source, hand));
    seconds.new.push(await byProduct(product, rows));
    await source.query(CHANGE_ALL);
    await source.query("VACUUM ANALYZE orders");
    seconds.handAgain.push(await byHand(source, hand));
    seconds.update.push(await byProduct(product, rows));
    memory.push(worker.peakMemoryMb());
    await worker.stop();
    await Promise.all([product.end(), sink.end(), hand.end()]);
  }
  await source.end();
  const rate = (values: number[]) => rows / median(values);
  const share = (hand: number[], values: number[]) => (100 * median(hand)) / median(values);
  const shares = { new: share(seconds.hand, seconds.new), update: share(seconds.handAgain, seconds.update) };
  const peak = Math.max(...memory);
  const size = thousands(rows);
  results.push(
    [size, "by hand, new rows, no ledger", thousands(rate(seconds.hand)), "100 %", ""],
    [
      size,
      "Plumbline, new rows",
      thousands(rate(seconds.new)),
      `${Math.round(shares.new)} %`,
      `${Math.round(peak)} MB`,
    ],
    [size, "by hand, every row updated, no ledger", thousands(rate(seconds.handAgain)), "100 %", ""],
    [size, "Plumbline, every row updated", thousands(rate(seconds.update)), `${Math.round(shares.update)} %`, ""],
  );
  promises.push({
    work: `${size} rows PostgreSQL → check 3, map 10 → upsert PostgreSQL, ledger with before-images`,
    target: "≥ 40 % of by hand",
    measured: `new rows ${Math.round(shares.new)} %, updated ${Math.round(shares.update)} %`,
    kept: Math.min(shares.new, shares.update) >= 40,
  });
  promises.push({
    work: `the same in rows a second, on a machine where by hand makes 100 000`,
    target: "about 40 000 rows/s",
    measured: `new rows ${thousands(rate(seconds.new))} rows/s, updated ${thousands(rate(seconds.update))}; by hand ${thousands(rate(seconds.hand))}`,
    kept: rate(seconds.new) >= 40_000,
  });
  promises.push({
    work: `memory of the worker at ${size} rows`,
    target: "< 300 MB",
    measured: `${Math.round(peak)} MB at its peak`,
    kept: peak < 300,
  });
}
table(["rows", "PostgreSQL → PostgreSQL", "rows/s", "of by hand", "worker peak"], results, {
  title: "PostgreSQL → check 3, map 10 → upsert PostgreSQL",
  about:
    "By hand is what one writes in an afternoon: pg-cursor, 1,000 rows a page, an `unnest` upsert; no checks, no ledger, no before-images, no checkpoint. Plumbline keeps all of these. The worker's peak is its resident memory over both runs.",
  promises,
  limit:
    "both cores are busy: half of the time PostgreSQL (the upsert with its before-images, and the ledger, which takes about as long), half of it the worker, and of that more than a third on the threads where Node compiles and collects garbage. At 100 000 rows a new worker is still warming up. What a row costs each of them is measured by `growth`.",
});
