/** One writer at a time per file, across processes: a lock file beside it, taken over when its holder is dead. */
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IntegrationError, quote } from "../sdk/errors.ts";

type Holder = { pid: number; host: string; id: string };

/** a lock on another host is taken over when it is this old; no page takes so long */
const staleMs = 600_000;

/**
 * Runs `work` while holding the lock of `path`.
 *
 * @throws IntegrationError "file-locked" (transient) when another writer keeps it for 30 s
 */
export async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const lock = join(dirname(path), `.${basename(path)}.lock`);
  const me: Holder = { pid: process.pid, host: hostname(), id: crypto.randomUUID() };
  await acquire(lock, path, JSON.stringify(me), signal);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string, path: string, content: string, signal: AbortSignal): Promise<void> {
  for (const endsAt = Date.now() + 30_000; ; ) {
    try {
      const handle = await open(lock, "wx", 0o600);
      await handle.writeFile(content).finally(() => handle.close());
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw notWritable(path, error as NodeJS.ErrnoException);
    }
    await breakIfDead(lock);
    if (Date.now() > endsAt)
      throw new IntegrationError(
        `File ${quote(basename(path))} is being written by another process for more than 30 s. If none is, delete ${quote(basename(lock))} beside it.`,
        { kind: "transient", code: "file-locked" },
      );
    await sleep(20 + Math.random() * 30, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function breakIfDead(lock: string): Promise<void> {
  const [text, about] = await Promise.all([readFile(lock, "utf8").catch(() => ""), stat(lock).catch(() => undefined)]);
  if (!about || !isDead(text, Date.now() - about.mtimeMs)) return;
  // Moved away first: of two that find it dead, only one gets it, and a lock taken since is put back.
  const aside = `${lock}.${crypto.randomUUID()}`;
  if (
    !(await rename(lock, aside)
      .then(() => true)
      .catch(() => false))
  )
    return;
  if ((await readFile(aside, "utf8").catch(() => text)) === text) await rm(aside, { force: true });
  else await rename(aside, lock).catch(() => {});
}

function isDead(text: string, ageMs: number): boolean {
  if (ageMs > staleMs) return true;
  try {
    const { pid, host } = JSON.parse(text) as Holder;
    if (host !== hostname() || pid === process.pid) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // Unfinished text: the holder has just made the file, or died in that very moment.
    return (error as NodeJS.ErrnoException).code === "ESRCH" || (error instanceof SyntaxError && ageMs > 5_000);
  }
}

export function notWritable(path: string, error: NodeJS.ErrnoException): IntegrationError {
  const name = quote(basename(path));
  if (error.code === "ENOSPC" || error.code === "EDQUOT")
    return new IntegrationError(
      `File ${name} cannot be written: the disk is full. Free space there; a run that waits goes on by itself.`,
      { kind: "transient", code: "disk-full", retry: { afterMs: 30_000 }, cause: error },
    );
  const why =
    error.code === "EACCES" || error.code === "EROFS" || error.code === "EPERM"
      ? "this process has no right to write in its folder"
      : error.code === "ENOENT"
        ? "its folder is gone"
        : `the system says ${error.code}`;
  return new IntegrationError(`File ${name} cannot be written: ${why}. Correct the folder or its rights.`, {
    kind: "settings",
    code: "file-not-writable",
    cause: error,
  });
}
