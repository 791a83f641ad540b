/** Locks between processes of one checkout: a file that names its holder. A holder that died does not hold. */
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toolsFolder } from "./places.mjs";
import { isAlive, readJson, self, writeJson } from "./processes.mjs";
import { notWritable, say, sleep } from "./progress.mjs";

const takeoverStaleAfterMs = 10_000;

/**
 * Tries once to take a lock.
 * @param {string} file
 * @returns {Promise<{ held: true, release: () => void } | { held: false, holder: import("./processes.mjs").ProcessRef }>}
 */
export async function tryLock(file) {
  try {
    mkdirSync(join(file, ".."), { recursive: true });
  } catch (error) {
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), join(file, ".."));
  }
  // Looking and taking must be one act, or two starts could both find the same dead holder. The guard is held for
  // a few milliseconds; one left by a process killed within them is ignored after ten seconds.
  const guard = `${file}.taking`;
  for (;;) {
    try {
      writeFileSync(guard, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code !== "EEXIST") throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), join(file, ".."));
      const age = ageMs(guard);
      if (age !== undefined && age > takeoverStaleAfterMs) rmSync(guard, { force: true });
      await sleep(20);
    }
  }
  try {
    const holder = readJson(file);
    if (holder && holder.pid !== process.pid && isAlive(holder)) return { held: false, holder };
    writeJson(file, self());
    return { held: true, release: () => rmSync(file, { force: true }) };
  } finally {
    rmSync(guard, { force: true });
  }
}

/**
 * Runs `work` while holding the lock of this name, waiting for another process that holds it.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(name, work) {
  const file = join(toolsFolder, "locks", `${name}.json`);
  let announced = false;
  for (;;) {
    const lock = await tryLock(file);
    if (lock.held) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (!announced) say(`  waiting for process ${lock.holder.pid}, which is busy with ${name} in this folder`);
    announced = true;
    await sleep(200);
  }
}

/** @param {string} file */
function ageMs(file) {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
