/** Real worker processes for tests that kill them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const started = new Set<ChildProcess>();

/**
 * Starts `npm run worker` on a database. It takes the test's own environment (secret key, private network), with `env` laid over it.
 * What it prints as errors shows among the test's own.
 */
export function startWorker(databaseUrl: string, env: { [name: string]: string } = {}): ChildProcess {
  const worker = spawn(process.execPath, ["worker/main.ts"], {
    cwd: root,
    env: { ...process.env, VITEST: "", DATABASE_URL: databaseUrl, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  started.add(worker);
  worker.once("exit", () => started.delete(worker));
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
  await Promise.all([...started].map(killProcess));
}
