/** A disk that is full, as somebody will free space on it sooner or later. */
import { isEnding } from "./ending.mjs";
import { say, sleep } from "./progress.mjs";

/**
 * Does work that needs space on the disk. While there is none, says so and tries again.
 * @template T
 * @param {() => Promise<T>} work
 * @param {number} [everyMs]
 * @returns {Promise<T>}
 */
export async function onceThereIsSpace(work, everyMs = 5_000) {
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      if (isEnding() || !isDiskFull(error)) throw error;
      if (!told)
        say("• The disk that holds the database is full. Free space there; this is tried again until it works.");
      await sleep(everyMs);
    }
  }
}

/** @param {unknown} error of Node, or with the last words of a PostgreSQL that could not start */
function isDiskFull(error) {
  if (!(error instanceof Error)) return false;
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code === "ENOSPC" || code === "EDQUOT" || /No space left on device|Disk quota exceeded/i.test(message);
}
