/**
 * Processes that outlive their parent. A supervisor writes down every process it starts (`.plumbline/run/<pid>.json`);
 * after a `kill -9` the next start reads the record and ends what was left over. A pid alone is never trusted: numbers
 * are given out again, so each is kept with the moment its process was started.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toolsFolder } from "./places.mjs";
import { notWritable, Stop, sleep } from "./progress.mjs";

const runFolder = join(toolsFolder, "run");

/** @typedef {{ pid: number, identity: string }} ProcessRef */
/** @typedef {ProcessRef & { name: string, outlives?: boolean }} NamedProcess `outlives`: not a leftover when its supervisor was killed, the next start uses it */
/** @typedef {ProcessRef & { mode: string, state: "preparing" | "running" | "stopping", url?: string, children: NamedProcess[] }} RunRecord */

/**
 * What tells one process from a later one with the same number, or null when no such process lives. A zombie counts as gone.
 * @param {number} pid @returns {string | null}
 */
export function identityOf(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the command may hold blanks and brackets
      if (fields[0] === "Z" || fields[0] === "X") return null;
      return `${bootId()}:${fields[19]}`; // proc(5), field 22: start time in ticks since boot
    } catch {
      return null;
    }
  }
  const ps = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (!ps.error) return ps.status === 0 && ps.stdout.trim() !== "" ? ps.stdout.trim() : null;
  try {
    process.kill(pid, 0);
    return "alive";
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM" ? "alive" : null;
  }
}

function bootId() {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "boot";
  }
}

/** @param {ProcessRef | null | undefined} ref */
export function isAlive(ref) {
  return ref != null && identityOf(ref.pid) === ref.identity;
}

/** This process, as others will look it up. @returns {ProcessRef} */
export function self() {
  return { pid: process.pid, identity: identityOf(process.pid) ?? "unknown" };
}

/** Sends a signal to a process and the group it leads, if it leads one. @param {number} pid @param {NodeJS.Signals} signal */
export function signalGroup(pid, signal) {
  for (const target of process.platform === "win32" ? [pid] : [-pid, pid]) {
    try {
      process.kill(target, signal);
      return true;
    } catch {}
  }
  return false;
}

/**
 * Ends a process that may not be our child: SIGTERM, and SIGKILL after the grace.
 * @param {ProcessRef} ref @param {{ graceMs?: number, first?: NodeJS.Signals }} [options]
 * @returns {Promise<boolean>} false when it still lives (it belongs to somebody we may not signal)
 */
export async function endProcess(ref, { graceMs = 5000, first = "SIGTERM" } = {}) {
  if (!isAlive(ref)) return true;
  signalGroup(ref.pid, first);
  for (let waited = 0; waited < graceMs && isAlive(ref); waited += 50) await sleep(50);
  if (isAlive(ref)) signalGroup(ref.pid, "SIGKILL");
  for (let waited = 0; waited < 2000 && isAlive(ref); waited += 50) await sleep(50);
  return !isAlive(ref);
}

/** The record of this process. Empty until `beginRecord`. @type {RunRecord | undefined} */
let record;

/** Starts the record of this supervisor; every process started by `run` or `remember` is entered. @param {string} mode */
export function beginRecord(mode) {
  record = { ...self(), mode, state: "preparing", children: [] };
  saveRecord({});
}

/** @param {Partial<RunRecord>} changes */
export function saveRecord(changes) {
  if (!record) return;
  Object.assign(record, changes);
  try {
    mkdirSync(runFolder, { recursive: true });
    writeJson(join(runFolder, `${process.pid}.json`), record);
  } catch (error) {
    // a full disk ends nothing that runs: what is kept in mind is written with the next change
    if (["ENOSPC", "EDQUOT"].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? "")) return;
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), runFolder);
  }
}

/** Ends what is still entered, in case a stop came in the middle of a start, and removes the record. */
export async function endRecord() {
  for (const child of record?.children ?? []) await endProcess(child, { first: "SIGINT" });
  if (record) rmSync(join(runFolder, `${process.pid}.json`), { force: true });
  record = undefined;
}

/** @param {string} name @param {number} pid @param {{ outlives?: boolean }} [options] @returns {NamedProcess} */
export function remember(name, pid, { outlives = false } = {}) {
  const child = { name, pid, identity: identityOf(pid) ?? "gone", outlives };
  if (record) saveRecord({ children: [...record.children.filter((other) => other.pid !== pid), child] });
  return child;
}

/** @param {number} pid */
export function forget(pid) {
  if (record) saveRecord({ children: record.children.filter((child) => child.pid !== pid) });
}

/** Records of all other supervisors of this checkout that live. @returns {RunRecord[]} */
export function livingRuns() {
  return allRecords().filter((other) => other.pid !== process.pid && isAlive(other));
}

/** @returns {RunRecord[]} */
function allRecords() {
  const records = [];
  for (const file of listFolder(runFolder)) {
    const found = readJson(join(runFolder, file));
    if (found) records.push(found);
  }
  return records;
}

/**
 * Ends what former supervisors of this checkout left behind when they were killed.
 * @returns {Promise<NamedProcess[]>} the processes that were ended
 */
export async function endLeftovers() {
  const ended = [];
  for (const dead of allRecords().filter((other) => !isAlive(other))) {
    const leftovers = dead.children.filter((child) => !child.outlives && isAlive(child));
    for (const child of leftovers) {
      if (!(await endProcess(child, { first: child.name === "PostgreSQL" ? "SIGQUIT" : "SIGTERM" }))) {
        throw new Stop(
          `Process ${child.pid} (${child.name}) was left by an earlier start and cannot be ended by this user. End it with: kill ${child.pid}`,
        );
      }
      ended.push(child);
    }
    rmSync(join(runFolder, `${dead.pid}.json`), { force: true });
  }
  return ended;
}

/** Children of `run` that are working now; a stop ends them. @type {Set<import("node:child_process").ChildProcess>} */
const working = new Set();
let stopping = false;

/** Ends every command started by `run` and lets no further one start. */
export async function endCommands() {
  stopping = true;
  await Promise.all(
    [...working].map(
      (child) => child.pid && endProcess({ pid: child.pid, identity: identityOf(child.pid) ?? "" }, { graceMs: 3000 }),
    ),
  );
}

/**
 * Runs a command to its end, in a process group of its own, entered in the record.
 * @param {string} name for messages
 * @param {string[]} command program and arguments
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, inherit?: boolean }} [options]
 *   `onLine` gets its output by lines; `inherit` lets it write to our terminal itself
 * @returns {Promise<{ code: number, output: string }>} `output` is the last 64 KB of both streams
 */
export function run(name, [program, ...args], { cwd, env = process.env, onLine, inherit = false } = {}) {
  if (stopping) return Promise.resolve({ code: 130, output: "" });
  return new Promise((resolve, reject) => {
    const child = spawn(/** @type {string} */ (program), args, {
      cwd,
      env,
      detached: process.platform !== "win32",
      stdio: ["ignore", inherit ? "inherit" : "pipe", inherit ? "inherit" : "pipe"],
    });
    let output = "";
    let rest = "";
    working.add(child);
    if (child.pid) remember(name, child.pid);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
        output = (output + text).slice(-65_536);
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine?.(line.trimEnd());
      });
    }
    child.on("error", (error) => {
      working.delete(child);
      reject(new Stop(`${name} could not be started: ${error.message} (${program})`, { cause: error }));
    });
    child.on("close", (code, signal) => {
      working.delete(child);
      if (child.pid) forget(child.pid);
      if (rest) onLine?.(rest);
      resolve({ code: code ?? (signal ? 128 : 1), output });
    });
  });
}

/** @param {string} folder */
export function listFolder(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Reads a JSON file; undefined when it is missing or was cut short. @param {string} file */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** Writes a JSON file so that a reader sees the old or the new content, never half of it. @param {string} file @param {unknown} value */
export function writeJson(file, value) {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(fresh, file);
}
