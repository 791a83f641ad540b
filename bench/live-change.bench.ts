/**
 * A stock change in PostgreSQL → three sales channels: time from its commit until it can be read in all three. By three
 * flows that follow the table, and by one that publishes to a topic which three flows listen to; beside a hand-written
 * listener. Then 10,000 rows changed at once. Verifies that each channel ends as the table is and that ledger and runs agree.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { postgres } from "../connectors/postgres/connector.ts";
import {
  adminUrl,
  freshDatabase,
  type Measured,
  median,
  percentile,
  productDatabase,
  ROUNDS,
  startProcess,
  startWorker,
  table,
  thousands,
  urlFor,
} from "./harness.ts";
import { addDatabase, addFlow, addWorkspace, HEAD, secretKey } from "./prepare.ts";

const CHANNELS = ["amazon", "ebay", "shop"];
const ARTICLES = 10_000;
const PACED = 100;
const SELDOM = 10;

const fields = [
  { to: "sku", from: "sku" },
  { to: "level", from: "level" },
];
const writeTo = (sink: string) => {
  return { id: "write", kind: "write", connection: "target", sink, operation: "upsert", match: ["sku"] };
};
const read = { id: "stock", kind: "read", connection: "source", stream: "stock", sync: "changes" };
const following = (sink: string) => ({
  ...HEAD,
  steps: [read, { id: "map", kind: "map", fields }, writeTo(sink)],
  links: [
    { from: "stock", to: "map" },
    { from: "map", to: "write" },
  ],
});
const publishing = {
  ...HEAD,
  steps: [read, { id: "tell", kind: "publish", topic: "stock" }],
  links: [{ from: "stock", to: "tell" }],
};
const listening = (sink: string) => ({
  ...HEAD,
  steps: [{ id: "changed", kind: "event", topic: "stock" }, { id: "map", kind: "map", fields }, writeTo(sink)],
  links: [
    { from: "changed", to: "map" },
    { from: "map", to: "write" },
  ],
});

type Kind = "hand" | "flows" | "topic";

async function prepareSource(): Promise<pg.Pool> {
  const pool = await freshDatabase("bench_change_source");
  await pool.query("CREATE TABLE stock (id int PRIMARY KEY, sku text NOT NULL, level int NOT NULL)");
  await pool.query("INSERT INTO stock SELECT i, 'S' || i, 0 FROM generate_series(1, $1::int) i", [ARTICLES]);
  return pool;
}

async function prepareTarget(): Promise<pg.Pool> {
  const pool = await freshDatabase("bench_change_target");
  for (const channel of CHANNELS)
    await pool.query(`CREATE TABLE ${channel} (sku text PRIMARY KEY, level int NOT NULL)`);
  return pool;
}

async function installRecorder(): Promise<void> {
  const { hostname, port, username, password } = new URL(adminUrl());
  const session = await postgres.open({
    name: "source",
    settings: postgres.settings.parse({ host: hostname, port: port || 5432, database: "bench_change_source" }),
    credentials: { user: decodeURIComponent(username || "postgres"), password: decodeURIComponent(password) },
    allowPrivateNetwork: true,
  });
  await session.watching?.install("stock", new AbortController().signal);
  await session.close();
}

async function follow(product: pg.Pool, id: string, document: object): Promise<void> {
  await addFlow(product, id, document);
  await product.query(
    `INSERT INTO flow_watch (flow_id, workspace_id, step_id, connection, stream, every_ms) VALUES ($1, 'ws_bench', 'stock', 'source', 'stock', 60000)`,
    [id],
  );
}

async function startProduct(kind: Kind): Promise<{ product: pg.Pool; worker: Measured }> {
  const product = await productDatabase("bench_change");
  await addWorkspace(product);
  await addDatabase(product, "source", "bench_change_source");
  await addDatabase(product, "target", "bench_change_target");
  await installRecorder();
  if (kind === "flows") for (const channel of CHANNELS) await follow(product, channel, following(channel));
  else {
    await follow(product, "publisher", publishing);
    for (const channel of CHANNELS) {
      await addFlow(product, channel, listening(channel));
      await product.query("INSERT INTO topic_flow (flow_id, workspace_id, topic) VALUES ($1, 'ws_bench', 'stock')", [
        channel,
      ]);
    }
  }
  return { product, worker: await startWorker("bench_change", secretKey) };
}

async function startByHand(source: pg.Pool): Promise<Measured> {
  await source.query(`CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('by_hand', NEW.id::text); RETURN NULL; END $$;
    CREATE TRIGGER tell AFTER UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION tell()`);
  const env = { SOURCE_URL: urlFor("bench_change_source"), TARGET_URL: urlFor("bench_change_target") };
  return await startProcess(["bench/change-by-hand.ts"], env, /listening/);
}

/** Until all three hold this level of the article. */
async function visible(target: pg.PoolClient, sku: string, level: number): Promise<void> {
  const all = CHANNELS.map((channel) => `EXISTS (SELECT FROM ${channel} WHERE sku = $1 AND level = $2)`).join(" AND ");
  for (;;) {
    const { rows } = await target.query({ name: "visible", text: `SELECT ${all} AS there`, values: [sku, level] });
    if (rows[0].there) return;
    await sleep(1);
  }
}

let level = 0;
async function changes(source: pg.Pool, target: pg.Pool, count: number, everyMs: number): Promise<number[]> {
  const client = await target.connect();
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const next = performance.now() + everyMs;
    const id = 1 + ((n * 37) % ARTICLES);
    level++;
    await source.query({ name: "change", text: "UPDATE stock SET level = $2 WHERE id = $1", values: [id, level] });
    const began = performance.now();
    await visible(client, `S${id}`, level);
    times.push(performance.now() - began);
    await sleep(Math.max(0, next - performance.now()));
  }
  client.release();
  return times;
}

/** All articles at once, in one statement. @returns rows a second, of each channel */
async function flood(source: pg.Pool, target: pg.Pool): Promise<number> {
  level++;
  await source.query("UPDATE stock SET level = $1", [level]);
  const began = performance.now();
  for (;;) {
    const counts = CHANNELS.map((channel) => `(SELECT count(*)::int FROM ${channel} WHERE level = $1)`).join(" + ");
    const { rows } = await target.query(`SELECT ${counts} AS n`, [level]);
    if (rows[0].n === ARTICLES * CHANNELS.length) break;
    await sleep(10);
  }
  return (ARTICLES / (performance.now() - began)) * 1000;
}

async function settled(product: pg.Pool): Promise<void> {
  for (let quiet = 0; quiet < 5; ) {
    const { rows } = await product.query(
      "SELECT (SELECT count(*) FROM run WHERE state IN ('queued', 'running', 'waiting'))::int + (SELECT count(*) FROM inbox_queue)::int AS busy",
    );
    quiet = rows[0].busy === 0 ? quiet + 1 : 0;
    await sleep(50);
  }
}

/** Each channel is as the table; each row of the ledger landed; no run failed. */
async function verify(product: pg.Pool, source: pg.Pool, target: pg.Pool): Promise<void> {
  await settled(product);
  const stock = (await source.query("SELECT md5(string_agg(sku || '=' || level, ',' ORDER BY sku)) AS sum FROM stock"))
    .rows;
  for (const channel of CHANNELS) {
    const { rows } = await target.query(
      `SELECT md5(string_agg(sku || '=' || level, ',' ORDER BY sku)) AS sum FROM ${channel}`,
    );
    if (rows[0].sum !== stock[0].sum) throw new Error(`${channel} does not hold what the table holds.`);
  }
  const { rows: bad } = await product.query(
    "SELECT state, error FROM run WHERE state <> 'succeeded' OR read <> created + updated + unchanged + filtered LIMIT 1",
  );
  if (bad[0] && !bad[0].state.startsWith("succeeded")) throw new Error(`A run ended as ${JSON.stringify(bad[0])}.`);
  const { rows: open } = await product.query("SELECT count(*)::int AS n FROM change WHERE state <> 'done'");
  if (open[0].n !== 0) throw new Error(`${open[0].n} rows of the ledger did not land.`);
}

type Figures = { p50: number[]; p99: number[]; seldom: number[]; flood: number[] };
const measured: { [K in Kind]: Figures } = {
  hand: { p50: [], p99: [], seldom: [], flood: [] },
  flows: { p50: [], p99: [], seldom: [], flood: [] },
  topic: { p50: [], p99: [], seldom: [], flood: [] },
};

for (let round = 0; round < ROUNDS; round++)
  for (const kind of ["hand", "flows", "topic"] as const) {
    const source = await prepareSource();
    const target = await prepareTarget();
    const started = kind === "hand" ? { worker: await startByHand(source) } : await startProduct(kind);
    if ("product" in started) {
      // the table is read first
      for (let n = 0; n < ARTICLES; await sleep(50))
        n = (
          await target.query(
            "SELECT least((SELECT count(*) FROM amazon), (SELECT count(*) FROM ebay), (SELECT count(*) FROM shop))::int AS n",
          )
        ).rows[0].n;
      await settled(started.product);
    }
    await changes(source, target, 20, 50); // warms up
    const paced = await changes(source, target, PACED, 50);
    const figures = measured[kind];
    figures.p50.push(percentile(paced, 0.5));
    figures.p99.push(percentile(paced, 0.99));
    figures.seldom.push(percentile(await changes(source, target, SELDOM, 3_000), 0.5));
    figures.flood.push(await flood(source, target));
    if ("product" in started) await verify(started.product, source, target);
    await started.worker.stop();
    if ("product" in started) await started.product.end();
    await source.end();
    await target.end();
  }

const row = (name: string, { p50, p99, seldom, flood: rows }: Figures) => [
  name,
  `${median(p50).toFixed(1)} ms`,
  `${median(p99).toFixed(1)} ms`,
  `${median(seldom).toFixed(1)} ms`,
  thousands(median(rows)),
];
table(
  ["change → three channels", "p50 at 20/s", "p99 at 20/s", "p50 every 3 s", `rows/s, ${thousands(ARTICLES)} at once`],
  [
    row("by hand, a listener without position or history", measured.hand),
    row("Plumbline, three flows follow the table", measured.flows),
    row("Plumbline, one follows it, three listen to its topic", measured.topic),
  ],
  {
    title: "A change in PostgreSQL → three channels",
    about: `Time from the commit of a change until it can be read in all three target tables: ${PACED} changes at 20 a second, then ${SELDOM} that come every 3 seconds, when nothing is kept warm; then ${thousands(ARTICLES)} rows changed by one statement, until each channel has them. By hand is a trigger and a listener that upserts, and forgets what happens while it is away. After each round the channels are compared with the table.`,
    promises: [
      {
        work: "a stock change reaches three channels",
        target: "in under a second",
        measured: `p50 ${median(measured.flows.p50).toFixed(0)} ms, p99 ${median(measured.flows.p99).toFixed(0)} ms at 20/s; p50 ${median(measured.flows.seldom).toFixed(0)} ms every 3 s`,
        kept: median(measured.flows.p99) < 1_000 && median(measured.flows.seldom) < 1_000,
      },
    ],
  },
);
