import { IntegrationError } from "../../connectors/sdk/errors.ts";

/**
 * Runs `work` with a time limit; its signal is aborted when time is up.
 *
 * @param name the connection's, for the message
 * @throws IntegrationError "connection-timeout" (transient), even when `work` ignores its signal
 */
export async function within<T>(name: string, limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timeout = new IntegrationError(
    `“${name}” did not answer within ${limitMs / 1000} s. Check its address under Connections, and whether that system is up.`,
    { kind: "transient", code: "connection-timeout" },
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort(timeout);
      reject(timeout);
    }, limitMs);
  });
  const working = work(controller.signal);
  working.catch(() => {}); // when the limit wins, its own failure comes later and is of no interest
  try {
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
}
