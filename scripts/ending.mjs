/** How every script ends: by itself, by an error, or by SIGINT, SIGTERM, SIGHUP; each time after its clean-up. */
import { endCommands } from "./processes.mjs";
import { explain, say } from "./progress.mjs";

/** @type {Array<() => unknown>} */
const cleanups = [];
let ending = false;

/** @param {() => unknown} work runs before the process ends, last registered first; not after SIGKILL, so every start also repairs */
export function beforeEnd(work) {
  cleanups.push(work);
}

/** True once the script is on its way out; errors of work cut short are then expected. */
export function isEnding() {
  return ending;
}

async function end(/** @type {number} */ code) {
  ending = true;
  await endCommands();
  for (const work of cleanups.reverse()) {
    try {
      await work();
    } catch (error) {
      explain(error);
      code ||= 1;
    }
  }
  process.exit(code || Number(process.exitCode ?? 0));
}

/**
 * Runs a script.
 * @param {() => Promise<number | void>} work its result is the exit code
 * @param {{ interrupted?: number }} [options] exit code after a signal: 0 for a server, which is meant to be stopped that way
 */
export async function main(work, { interrupted = 130 } = {}) {
  for (const signal of /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      if (ending) return; // a terminal's Ctrl-C reaches us twice: directly and through the launcher
      say(`\n• Stopping (${signal}) …`);
      void end(interrupted);
    });
  }
  let code = 0;
  try {
    code = (await work()) ?? 0;
  } catch (error) {
    if (!ending) code = explain(error);
  }
  if (!ending) await end(code);
}
