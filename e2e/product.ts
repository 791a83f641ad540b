/** Starts the whole product as a person does, in a data folder of its own, and gives its address and its databases. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";

const root = fileURLToPath(new URL("..", import.meta.url));

export type Product = {
  url: string;
  dataDir: string;
  /** the supervisor; another one after `startAgain` */
  pid(): number;
  apiToken: string;
  /** everything it printed */
  output(): string;
  /** a query on one of the product's PostgreSQL databases, the sample company's too */
  query(database: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** a connection of the caller's own, for a transaction that stays open a while; the caller ends it */
  connect(database: string): Promise<pg.Client>;
  /** the same data folder again, once the supervisor has ended or was killed; resolves when the address answers */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
};

/** @param env added to the product's environment */
export async function startProduct(name: string, env: { [name: string]: string } = {}): Promise<Product> {
  const dataDir = join(root, ".cache", "e2e", `${name} ${process.pid}`);
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const apiToken = `plb_${randomBytes(16).toString("hex")}`;
  let output = "";
  const start = (port: string) => {
    const started = spawn(process.execPath, ["scripts/start.mjs"], {
      cwd: root,
      env: {
        ...process.env,
        PORT: port,
        PLUMBLINE_DATA_DIR: dataDir,
        PLUMBLINE_API_TOKEN: apiToken,
        DATABASE_URL: "",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [started.stdout, started.stderr])
      stream.on("data", (data: Buffer) => {
        output += data.toString();
      });
    return started;
  };
  let child = start("0");
  const url = await runningAt(child, () => output);
  const connect = async (database: string) => {
    const client = new pg.Client({ ...postgresOf(dataDir), database });
    client.on("error", () => {}); // a server that is killed; the query says so
    await client.connect();
    return client;
  };
  return {
    url,
    dataDir,
    apiToken,
    pid: () => child.pid ?? 0,
    output: () => output,
    connect,
    async query(database, sql, values = []) {
      const client = await connect(database);
      try {
        return (await client.query(sql, values)).rows;
      } finally {
        await client.end();
      }
    },
    async startAgain() {
      output = "";
      child = start(new URL(url).port);
      await runningAt(child, () => output);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function runningAt(child: ChildProcess, output: () => string): Promise<string> {
  const end = Date.now() + 300_000;
  for (;;) {
    const found = output().match(/running at (http:\/\/\S+)/);
    if (found?.[1]) return found[1].replace(/\/$/, "");
    if (child.exitCode !== null) throw new Error(`The product ended with ${child.exitCode}:\n${output()}`);
    if (Date.now() > end) {
      child.kill("SIGTERM");
      throw new Error(`The product was not up after 5 minutes:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The embedded server of a data folder. */
function postgresOf(dataDir: string) {
  const state = JSON.parse(readFileSync(join(dataDir, "postgres", "server.json"), "utf8")) as { port: number };
  const password = readFileSync(join(dataDir, "secrets", "postgres-password"), "utf8").trim();
  return { host: "127.0.0.1", port: state.port, user: "postgres", password };
}

/** Calls the public interface. Throws with the answer when the status is not as expected (default: any 2xx). */
export async function call<T = Record<string, unknown>>(
  product: Product,
  method: string,
  path: string,
  body?: unknown,
  expected?: number,
): Promise<T> {
  const answer = await fetch(`${product.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${product.apiToken}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const good = expected === undefined ? answer.ok : answer.status === expected;
  if (!good) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 2_000)}`);
  return (text === "" ? {} : JSON.parse(text)) as T;
}

/** Asks until `look` finds something. */
export async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`Waited ${seconds} s for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
