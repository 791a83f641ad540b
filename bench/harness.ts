/** What every benchmark needs: databases of its own, processes as in production, medians, a table. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { nodeFlags } from "../scripts/children.mjs";
import { migrate } from "../scripts/migrate.mjs";
import { migrateQueue } from "../server/jobs/migrate-queue.ts";

export const root = fileURLToPath(new URL("..", import.meta.url));

export function adminUrl(): string {
  const url = process.env.PLUMBLINE_BENCH_DATABASE_URL;
  if (!url)
    throw new Error("PLUMBLINE_BENCH_DATABASE_URL is not set. Run `npm run bench`, which starts a PostgreSQL for it.");
  return url;
}

export function urlFor(database: string): string {
  const url = new URL(adminUrl());
  url.pathname = `/${database}`;
  return url.href;
}

/** Makes an empty database; the name of an earlier benchmark's is reused. */
export async function freshDatabase(name: string): Promise<pg.Pool> {
  const admin = new pg.Client({ connectionString: adminUrl() });
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const pool = new pg.Pool({ connectionString: urlFor(name), max: 4 });
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {})); // graphile-worker asks for both
  return pool;
}

/** The product's own database, migrated. */
export async function productDatabase(name: string): Promise<pg.Pool> {
  const pool = await freshDatabase(name);
  await migrate(urlFor(name));
  await migrateQueue(pool);
  return pool;
}

/** Rounds of each measurement; what is shown is their median. */
export const ROUNDS = Number(process.env.PLUMBLINE_BENCH_ROUNDS ?? 3);

/** PLUMBLINE_BENCH_PROFILE=1: every process measured leaves a CPU profile there when it ends. */
const PROFILE = process.env.PLUMBLINE_BENCH_PROFILE ? ["--cpu-prof", "--cpu-prof-dir=.cache/profiles"] : [];

export type Measured = {
  child: ChildProcess;
  /** what the pattern found in the line that said it is ready */
  ready: RegExpExecArray;
  /** the most memory it held so far; not a number where the system does not tell */
  peakMemoryMb(): number;
  /** as SIGTERM ends it in production */
  stop(): Promise<void>;
};

/**
 * Starts a process of Node with the flags of production.
 *
 * @param ready a line of its output that says it is ready
 * @throws when it ends before it is
 */
export async function startProcess(
  command: string[],
  env: { [name: string]: string },
  ready: RegExp,
): Promise<Measured> {
  const child = spawn(process.execPath, [...nodeFlags, ...PROFILE, ...command], {
    cwd: root,
    env: {
      ...process.env,
      PLUMBLINE_ALLOW_PRIVATE_NETWORK: "true",
      PLUMBLINE_LOG: "json",
      NODE_ENV: "production",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // a benchmark that fails must not leave its processes behind, nor wait for them
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  child.unref();
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    const gone = (code: number | null) =>
      reject(new Error(`${command.join(" ")} ended with ${code} before it was ready.`));
    child.once("exit", gone);
    let output = "";
    const look = (data: Buffer) => {
      output += data.toString();
      const match = ready.exec(output);
      if (!match) return;
      child.off("exit", gone);
      child.stdout?.off("data", look).resume();
      resolve(match);
    };
    child.stdout?.on("data", look);
  });
  return {
    child,
    ready: found,
    peakMemoryMb() {
      const file = `/proc/${child.pid}/status`;
      const peak = existsSync(file) ? /VmHWM:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1] : undefined;
      return Number(peak ?? Number.NaN) / 1024;
    },
    async stop() {
      process.off("exit", end);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** A worker as `npm run worker` starts it. */
export async function startWorker(database: string, secretKey: string): Promise<Measured> {
  const env = { DATABASE_URL: urlFor(database), PLUMBLINE_SECRET_KEY: secretKey };
  return await startProcess(["worker/main.ts"], env, /is ready/);
}

/** The product's HTTP server without its pages, or the one written by hand that it is compared with. */
export async function startServer(
  kind: "product" | "raw",
  database: string,
  secretKey: string,
): Promise<Measured & { port: number }> {
  const env = { DATABASE_URL: urlFor(database), PLUMBLINE_SECRET_KEY: secretKey };
  const server = await startProcess(["bench/event-servers.ts", kind], env, /listening (\d+)/);
  return { ...server, port: Number(server.ready[1]) };
}

export const newSecretKey = () => randomBytes(32).toString("base64");

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** @param share between 0 and 1 */
export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const thousands = (value: number) => Math.round(value).toLocaleString("en-US").replaceAll(",", " ");

/** A promise of the design (§10), with what was measured of it. */
export type Promised = { work: string; target: string; measured: string; kept: boolean };

/** What docs/performance.md says around a table. */
export type Around = {
  /** heading; default: the name of the benchmark */
  title?: string;
  /** what is measured, and beside what */
  about?: string;
  promises?: Promised[];
  /** what sets the limit, as profiles show it */
  limit?: string;
};

/** Prints rows as an aligned table; under `npm run bench` they also go into docs/performance.md. */
export function table(headings: string[], rows: string[][], around: Around = {}): void {
  const report = process.env.PLUMBLINE_BENCH_REPORT;
  if (report) appendFileSync(report, `${JSON.stringify({ headings, rows, ...around })}\n`);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  console.log([line(headings), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n"));
  for (const { work, target, measured, kept } of around.promises ?? [])
    console.log(`${kept ? "✓" : "✗ missed:"} ${work}: ${measured} (${target})`);
}
