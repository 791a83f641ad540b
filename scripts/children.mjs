/** Web and worker as processes of their own: started, their output prefixed, started again when they die, stopped. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { beforeEnd, isEnding } from "./ending.mjs";
import { compiledFolder, root } from "./places.mjs";
import { forget, identityOf, isAlive, remember } from "./processes.mjs";
import { say, sleep } from "./progress.mjs";

const preload = pathToFileURL(join(root, "scripts/leave-with-supervisor.mjs")).href;
const stopWithinMs = 10_000;
const longestPauseMs = 15_000;
const healthyAfterMs = 60_000;
const hopelessAfter = 5;

/** @type {Array<() => Promise<void>>} */
const stops = [];

/**
 * A worker that moves a million records stays 100 MB smaller with a small young generation, and another 100 MB when the old
 * one is collected at twice what lives in it, instead of at four times (measured: 346 MB without, 241 MB with it, for 5 % more
 * of the worker's processor time).
 */
export const nodeFlags = [
  "--disable-warning=ExperimentalWarning",
  "--max-semi-space-size=8",
  "--heap-growing-percent=100",
];

/**
 * Keeps one child running until the supervisor ends.
 * @param {object} options
 * @param {string} options.name prefix of its lines
 * @param {string} options.script e.g. `server/main.ts`, relative to the checkout
 * @param {() => Promise<NodeJS.ProcessEnv>} options.environment asked before each start
 * @param {(error?: unknown) => void} options.onHopeless it died five times in a row, each time within 10 s, and never was `settled`; or its environment could not be had
 * @returns {{ settled: () => void, pid: () => number | undefined }} `settled`: it came up, from now on it is restarted for ever
 */
export function keepRunning({ name, script, environment, onHopeless }) {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let child;
  let isSettled = false;
  let quickDeaths = 0;

  const runOnce = async () => {
    const env = await environment();
    if (isEnding()) return;
    const startedAt = Date.now();
    const started = spawn(process.execPath, [...nodeFlags, "--import", preload, script], {
      cwd: root,
      // whom it replaces: what that one left can be taken over at once
      env: {
        NODE_COMPILE_CACHE: compiledFolder,
        ...env,
        PLUMBLINE_SUPERVISOR_PID: String(process.pid),
        PLUMBLINE_FORMER_PID: String(child?.pid ?? ""),
      },
      detached: process.platform !== "win32", // Ctrl-C in the terminal reaches it through us, in order
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    if (started.pid) remember(name, started.pid);
    for (const stream of [started.stdout, started.stderr]) {
      createInterface({ input: /** @type {import("node:stream").Readable} */ (stream) }).on("line", (line) =>
        say(`[${name}] ${line}`),
      );
    }
    const how = await new Promise((resolve) => {
      started.on("error", (error) => resolve(error.message));
      started.on("exit", (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`));
    });
    if (started.pid) {
      endGroup(started.pid);
      forget(started.pid);
    }
    if (isEnding()) return;
    const lived = Date.now() - startedAt;
    quickDeaths = lived < 10_000 ? quickDeaths + 1 : lived > healthyAfterMs ? 0 : quickDeaths;
    if (!isSettled && quickDeaths >= hopelessAfter) return onHopeless();
    const pause = quickDeaths === 0 ? 0 : Math.min(longestPauseMs, 250 * 2 ** (quickDeaths - 1));
    say(`• ${name} ended (${how}); starting it again${pause > 0 ? ` in ${pause / 1000} s` : ""}`);
    await sleep(pause);
    if (!isEnding()) begin();
  };
  const begin = () => void runOnce().catch((error) => isEnding() || onHopeless(error));
  begin();

  if (stops.length === 0) beforeEnd(() => Promise.all(stops.map((stop) => stop()))); // together: one slow child must not use up the time of the next
  stops.push(async () => {
    if (!child?.pid) return;
    const ref = { pid: child.pid, identity: identityOf(child.pid) ?? "gone" };
    if (isAlive(ref)) child.kill("SIGTERM");
    for (let waited = 0; waited < stopWithinMs && isAlive(ref); waited += 25) await sleep(25);
    if (isAlive(ref)) say(`• ${name} did not stop within ${stopWithinMs / 1000} s and is ended`);
    endGroup(ref.pid);
    forget(ref.pid);
  });

  return {
    settled: () => {
      isSettled = true;
    },
    pid: () => child?.pid,
  };
}

/** Ends whatever a child started itself and left behind. @param {number} pid leader of the group */
function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {}
}
