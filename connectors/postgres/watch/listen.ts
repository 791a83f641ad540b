/** Waits for the notifications of recorders, in a session of its own. */
import type { Clients } from "../client.ts";
import { CHANNEL } from "./recorder.ts";

/** A dead network shows only in a question that stays without an answer. */
const ASK_EVERY_MS = 15_000;
const ANSWER_WITHIN_MS = 10_000;

/**
 * Calls `changed` with the number of a watch. Resolves when the server or the signal ends it.
 *
 * @throws IntegrationError when no session can be had
 */
export async function listenToRecorders(
  clients: Clients,
  { signal, listening }: { signal: AbortSignal; listening(): void },
  changed: (watch: string) => void,
): Promise<void> {
  signal.throwIfAborted();
  const client = await clients.dedicated();
  let timer: NodeJS.Timeout | undefined;
  try {
    const ended = new Promise<void>((done) => {
      client.once("end", done);
      if (signal.aborted) done();
      signal.addEventListener("abort", () => done(), { once: true });
    });
    client.on("notification", ({ payload = "" }) => changed(payload));
    await client.query(`LISTEN ${CHANNEL}`);
    listening();
    let asked = false;
    timer = setInterval(() => {
      if (asked) return;
      asked = true;
      const late = setTimeout(() => void clients.end(client), ANSWER_WITHIN_MS);
      client
        .query("SELECT 1")
        .catch(() => clients.end(client))
        .finally(() => {
          clearTimeout(late);
          asked = false;
        });
    }, ASK_EVERY_MS);
    await ended;
  } finally {
    clearInterval(timer);
    await clients.end(client);
  }
}
