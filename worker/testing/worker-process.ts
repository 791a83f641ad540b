/** Real worker processes for tests that kill them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { compiledFolder, root } from "../../scripts/places.mjs";

const started = new Set<ChildProcess>();
const kept = new Set<KeptWorker>();

/**
 * Starts `npm run worker` on a database. It takes the test's own environment (secret key, private network), with `env` laid over it.
 * What it prints as errors shows among the test's own.
 */
export function startWorker(databaseUrl: string, env: { [name: string]: string } = {}): ChildProcess {
  const worker = spawn(process.execPath, ["worker/main.ts"], {
    cwd: root,
    env: { ...process.env, VITEST: "", NODE_COMPILE_CACHE: compiledFolder, DATABASE_URL: databaseUrl, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  started.add(worker);
  worker.once("exit", () => started.delete(worker));
  return worker;
}

export type KeptWorker = {
  /** of the one that runs now */
  pid(): number | undefined;
  /** Kills it and waits for its end; the next one starts by itself. */
  kill(): Promise<void>;
};

/** Keeps a worker running as the supervisor of `npm start` does: when it ends, another one takes its place after `pauseMs`. */
export function keepWorker(databaseUrl: string, env: { [name: string]: string } = {}, pauseMs = 100): KeptWorker {
  let child: ChildProcess | undefined;
  const start = () => {
    const former = String(child?.pid ?? "");
    child = startWorker(databaseUrl, { PLUMBLINE_FORMER_PID: former, ...env });
    child.once("exit", () => setTimeout(() => kept.has(worker) && start(), pauseMs));
  };
  const worker = { pid: () => child?.pid, kill: () => killProcess(child) };
  kept.add(worker);
  start();
  return worker;
}

/** Ends a process by SIGKILL; resolves when it is gone. One that has ended, or was never started, is left as it is. */
export async function killProcess(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Ends all workers this file started: for `afterEach`. */
export async function killWorkers(): Promise<void> {
  kept.clear();
  await Promise.all([...started].map(killProcess));
}
