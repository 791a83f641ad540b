/** What a start or a test run says while it works. Plain lines: they also have to read well in a log file. */

// A reader that went away (`npm start | head`) must not take the supervisor and its database down with it.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/** An expected failure: its message is written for the person at the terminal, so no stack is shown. */
export class Stop extends Error {
  /** @param {string} message what was expected, what was found, what to do next @param {{ cause?: unknown, exitCode?: number }} [options] */
  constructor(message, options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** @param {string} line */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/**
 * Announces a step, runs it and says how long it took. A step that returns a text has that text beside its name.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const startedAt = Date.now();
  say(`• ${title} …`);
  try {
    const result = await work();
    say(`✓ ${typeof result === "string" ? `${title}: ${result}` : title} (${duration(Date.now() - startedAt)})`);
    return result;
  } catch (error) {
    say(`✗ ${title} (${duration(Date.now() - startedAt)})`);
    throw error;
  }
}

/**
 * Ends a script: prints what went wrong (a `Stop` as its message, anything else with its stack) and returns the exit code.
 * @param {unknown} error
 */
export function explain(error) {
  if (error instanceof Stop) process.stderr.write(`\n${error.message}\n`);
  else process.stderr.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return error instanceof Stop ? error.exitCode : 1;
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Turns the refusal to write a folder into a sentence that says whose it is and what to do.
 * @param {NodeJS.ErrnoException} error @param {string} folder
 */
export function notWritable(error, folder) {
  if (error.code !== "EACCES" && error.code !== "EPERM" && error.code !== "EROFS") return error;
  return new Stop(
    `Cannot write to ${folder} (${error.code}). It belongs to another user or is read-only.\n` +
      "Start as the user who owns it, hand it over with chown, or set PLUMBLINE_DATA_DIR to a folder you may write.",
    { cause: error },
  );
}
