import { setTimeout as sleep } from "node:timers/promises";
import { asUseCaseError } from "../failure.ts";
import { log } from "../log.ts";

const EVERY_MS = 3_000;

/**
 * Does what a process stores before it can begin. While the database is away, its disk is full or it is read-only, says so
 * and tries again: a process that ended instead would be started again and again.
 */
export async function untilItStores<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const known = asUseCaseError(error);
      if (known?.code !== "database-unavailable") throw error;
      log.warn(`${known.message} This process begins its work then; next try in ${EVERY_MS / 1000} s.`);
      await sleep(EVERY_MS);
    }
  }
}
