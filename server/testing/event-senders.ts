/** Senders of webhooks as they are outside: an event is sent again, under the same id, until it is accepted. */
import { setTimeout as sleep } from "node:timers/promises";

/** The product is promised to be back within 30 s; then an event may meet the next kill. */
const PATIENCE_MS = 90_000;

export type EventSenders = {
  /** ids of the events that were accepted */
  accepted: Set<string>;
  /** how often each kind of answer came; "cut": the connection broke before there was one */
  answers: Map<number | "cut", number>;
  /** events whose sender was cut off, and was told when it tried again that they had been stored */
  storedUnanswered(): number;
  /** ids whose repeat was given another number than the event itself, or not called a repeat */
  mistaken: string[];
  /** sends no new ones; resolves when all that were begun are accepted */
  stop(): Promise<void>;
};

/**
 * @param random moments between events, and which of them are sent once more after they were accepted
 * @param options how many senders there are, and how long each rests after an event at the most
 */
export function sendEvents(
  hook: string,
  random: () => number,
  { senders, pauseMs }: { senders: number; pauseMs: number },
): EventSenders {
  const accepted = new Set<string>();
  const answers: EventSenders["answers"] = new Map();
  const mistaken: string[] = [];
  let next = 0;
  let storedUnanswered = 0;
  let stopping = false;

  const send = async (id: string) => {
    const answer = await fetch(hook, {
      method: "POST",
      headers: { "content-type": "application/json", "webhook-id": id },
      body: JSON.stringify({ id }),
    })
      .then(async (response) => ({
        status: response.status,
        body: (await response.json()) as { id?: string; repeat?: true },
      }))
      .catch(() => ({ status: "cut" as const, body: {} }));
    answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
    return answer;
  };
  const untilAccepted = async (id: string) => {
    const end = Date.now() + PATIENCE_MS;
    for (let cut = false; ; await sleep(100)) {
      const { status, body } = await send(id);
      if (status !== 202 && Date.now() > end)
        throw new Error(`Event ${id} was not accepted within ${PATIENCE_MS} ms; the last answer was ${status}.`);
      if (status === "cut") cut = true;
      if (status !== 202) continue;
      if (cut && "repeat" in body) storedUnanswered++;
      return body;
    }
  };
  const sender = async () => {
    while (!stopping) {
      const id = `evt-${next++}`;
      const first = await untilAccepted(id);
      accepted.add(id);
      if (random() < 0.05) {
        const second = await untilAccepted(id);
        if (!("repeat" in second && "id" in first && second.id === first.id)) mistaken.push(id);
      }
      await sleep(random() * pauseMs);
    }
  };
  const sending = Promise.all(Array.from({ length: senders }, sender));
  sending.catch(() => {}); // said by `stop`
  return {
    ...{ accepted, answers, mistaken },
    storedUnanswered: () => storedUnanswered,
    async stop() {
      stopping = true;
      await sending;
    },
  };
}
