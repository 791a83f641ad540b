/**
 * `npm start` on a machine where dependencies are installed and the product is built, until its page is served: the first
 * time in an empty data folder, and again with what is there. Beside it the least it can be: PostgreSQL and `next start`
 * alone, one after the other.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildApp } from "../scripts/build.mjs";
import { startPostgres } from "../scripts/embedded-postgres.mjs";
import { choosePort } from "../scripts/ports.mjs";
import { median, ROUNDS, root, table } from "./harness.ts";

const LIMIT_MS = 120_000;
const base = join(root, ".cache", `bench start ${process.pid}`);

/** Starts a command of its own process group. @returns what ends it, as SIGTERM does */
function start(command: string, args: string[], env: { [name: string]: string }) {
  const child: ChildProcess = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const kill = () => void child.kill("SIGTERM");
  process.once("exit", kill);
  return {
    child,
    async stop() {
      process.off("exit", kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** Waits for the page of sign-in, whole. @returns ms since `began` */
async function served(url: string, child: ChildProcess, began: number): Promise<number> {
  for (;;) {
    const answer = await fetch(`${url}/sign-in`).catch(() => undefined);
    if (answer?.ok && (await answer.text()).includes("</html>")) return performance.now() - began;
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode} before its page was served.`);
    if (performance.now() - began > LIMIT_MS) throw new Error(`${url} served no page within ${LIMIT_MS / 1000} s.`);
    await sleep(20);
  }
}

async function npmStart(dataFolder: string): Promise<number> {
  const port = await choosePort("127.0.0.1", 0);
  const began = performance.now();
  const env = { PORT: String(port), HOST: "127.0.0.1", PLUMBLINE_DATA_DIR: dataFolder, DATABASE_URL: "" };
  const { child, stop } = start("npm", ["start", "--silent"], env);
  try {
    return await served(`http://127.0.0.1:${port}`, child, began);
  } finally {
    await stop();
  }
}

async function byHand(folder: string): Promise<number> {
  const port = await choosePort("127.0.0.1", 0);
  const began = performance.now();
  const postgres = await startPostgres({
    folder: join(folder, "server"),
    secretsFolder: join(folder, "secrets"),
    durable: true,
  });
  const next = join(root, "node_modules/next/dist/bin/next");
  const env = { DATABASE_URL: postgres.adminUrl, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" };
  const { child, stop } = start(process.execPath, [next, "start", "-p", String(port), "-H", "127.0.0.1"], env);
  try {
    return await served(`http://127.0.0.1:${port}`, child, began);
  } finally {
    await stop();
    await postgres.stop();
  }
}

await buildApp();
mkdirSync(base, { recursive: true });
const ms = { hand: [] as number[], first: [] as number[], again: [] as number[] };
try {
  await byHand(join(base, "hand")); // makes its data folder
  for (let round = 0; round < ROUNDS; round++) {
    ms.hand.push(await byHand(join(base, "hand")));
    ms.first.push(await npmStart(join(base, `data ${round}`)));
    ms.again.push(await npmStart(join(base, `data ${round}`)));
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
const seconds = (values: number[]) => `${(median(values) / 1000).toFixed(1)} s`;
table(
  ["start", "page served after"],
  [
    ["PostgreSQL and `next start`, nothing else", seconds(ms.hand)],
    ["`npm start`, again", seconds(ms.again)],
    ["`npm start`, first time, empty data folder", seconds(ms.first)],
  ],
  {
    title: "`npm start`",
    about:
      "Dependencies installed, product built. From the command until the sign-in page is served whole. The first time it also makes the database, its schema and the secrets; the bare start finds its database made.",
    promises: [
      {
        work: "`npm start` on a machine with dependencies installed and built",
        target: "page served in ≤ 10 s",
        measured: `${seconds(ms.again)}, the first time ${seconds(ms.first)}`,
        kept: median(ms.again) <= 10_000 && median(ms.first) <= 10_000,
      },
    ],
    limit:
      "loading: web and worker start side by side and share the cores with PostgreSQL; most of it is reading and stripping types off the sources, and Next's first answer. Checking that the build is of these sources takes a small part.",
  },
);
