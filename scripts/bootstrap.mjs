/** What start, test and bench do first: the right Node, the dependencies, a writable home. Runs on Node 18 and newer. */
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ensureDependencies } from "./dependencies.mjs";
import { beforeEnd } from "./ending.mjs";
import { ensureNode } from "./node-runtime.mjs";
import { writable } from "./npm.mjs";
import { toolsFolder } from "./places.mjs";
import { beginRecord, endLeftovers, endRecord } from "./processes.mjs";
import { say } from "./progress.mjs";

/**
 * After this, installed packages may be imported (dynamically) and `process.execPath` is Node 24 or newer.
 * @param {string} mode what this process is for, kept in its record: "start", "web", "worker", "test", "bench"
 */
export async function bootstrap(mode) {
  await ensureNode();
  beginRecord(mode);
  beforeEnd(endRecord);
  for (const { name, pid } of await endLeftovers())
    say(`• Ended ${name} (process ${pid}), left over from a start that was killed`);
  giveHome();
  await ensureDependencies();
}

/** Tools write settings and caches below HOME. A service account often has none. */
function giveHome() {
  if (writable(homedir())) return;
  const home = join(toolsFolder, "home");
  mkdirSync(home, { recursive: true });
  process.env.HOME = home;
}
