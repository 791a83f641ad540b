/** What every benchmark needs: databases of its own, a worker process as in production, medians, a table. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
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
  return pool;
}

/** The product's own database, migrated. */
export async function productDatabase(name: string): Promise<pg.Pool> {
  const pool = await freshDatabase(name);
  await migrate(urlFor(name));
  await migrateQueue(pool);
  return pool;
}

export type WorkerProcess = { child: ChildProcess; peakMemoryMb(): number; stop(): Promise<void> };

/** A worker as `npm run worker` starts it. */
export async function startWorker(database: string, secretKey: string, flags: string[] = []): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [...nodeFlags, ...flags, "worker/main.ts"], {
    cwd: root,
    env: {
      ...process.env,
      DATABASE_URL: urlFor(database),
      PLUMBLINE_SECRET_KEY: secretKey,
      PLUMBLINE_ALLOW_PRIVATE_NETWORK: "true",
      PLUMBLINE_LOG: "json",
      NODE_ENV: "production",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // a benchmark that fails must not leave its worker behind, nor wait for it
  process.once("exit", () => child.kill("SIGKILL"));
  child.unref();
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`The worker ended with ${code} before it was ready.`)));
    child.stdout?.on("data", (data: Buffer) => {
      if (data.includes("is ready")) resolve();
    });
  });
  return {
    child,
    peakMemoryMb() {
      const line = readFileSync(`/proc/${child.pid}/status`, "utf8").match(/VmHWM:\s+(\d+)/);
      return Number(line?.[1] ?? 0) / 1024;
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.removeAllListeners("exit");
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

export const newSecretKey = () => randomBytes(32).toString("base64");

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const thousands = (value: number) => Math.round(value).toLocaleString("en-US").replaceAll(",", " ");

/** Prints rows as an aligned table; under `npm run bench` they also go into docs/performance.md. */
export function table(headings: string[], rows: string[][]): void {
  const report = process.env.PLUMBLINE_BENCH_REPORT;
  if (report) appendFileSync(report, `${JSON.stringify({ headings, rows })}\n`);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  console.log([line(headings), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n"));
}
