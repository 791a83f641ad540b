import { log } from "../server/log.ts";

/** Does `work` every `ms`, never twice at once; a failure is logged and the next time comes all the same. */
export function every(name: string, ms: number, work: () => Promise<void>): { stop(): void } {
  let busy = false;
  const tick = async () => {
    if (busy) return;
    busy = true;
    try {
      await work();
    } catch (error) {
      log.warn({ err: error }, `${name} failed; next try in ${ms} ms`);
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void tick(), ms);
  void tick();
  return { stop: () => clearInterval(timer) };
}
