/** Results for senders that wait: told by notification, read from `inbox_answer`; of a cancelled event, from its run. */
import type pg from "pg";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { subscribe } from "../db/listen.ts";

export const ANSWERS_CHANNEL = "plumbline_answers";

/** What became of an event: the records as they reached the end of the flow, or why it failed. */
export type EventAnswer =
  | { outcome: string; records: JsonRecord[] }
  | { outcome: string; error: { code: string; message: string; field?: string; step?: string } };

/** What a sender is told: `stopped` says that its event waits until somebody resumes the flow. */
type Told = EventAnswer | "stopped";

const POLL_MS = 500;

export class Answers {
  readonly #pool: pg.Pool;
  readonly #url: string;
  readonly #waiting = new Map<string, Set<(answer: Told) => void>>();
  #listening: Promise<(() => void) | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #asked = new Set<string>();
  #asking = false;

  constructor(pool: pg.Pool, url: string) {
    this.#pool = pool;
    this.#url = url;
  }

  /** The answer to an event, or null when there is none in time. Of a flow that is stopped there will be none. */
  async of(id: string, withinMs: number): Promise<Told | null> {
    this.#listening ??= subscribe(ANSWERS_CHANNEL, (payload) => this.#ask(payload.split(",")), {
      url: this.#url,
    }).catch(() => undefined);
    await this.#listening;
    return await new Promise((answered) => {
      const group = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, group);
      const end = (answer: Told | null) => {
        clearTimeout(late);
        group.delete(end);
        if (group.size === 0) this.#waiting.delete(id);
        answered(answer);
      };
      const late = setTimeout(() => end(null), withinMs);
      group.add(end);
      this.#ask([id]); // it may be there already
      this.#timer ??= setInterval(() => this.#ask([...this.#waiting.keys()]), POLL_MS).unref();
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    (await this.#listening)?.();
  }

  #ask(ids: string[]): void {
    for (const id of ids) if (this.#waiting.has(id)) this.#asked.add(id);
    if (this.#asking || this.#asked.size === 0) return;
    this.#asking = true;
    void this.#read().finally(() => {
      this.#asking = false;
      if (this.#asked.size > 0) this.#ask([]);
    });
  }

  async #read(): Promise<void> {
    const ids = [...this.#asked];
    this.#asked = new Set();
    const found = await this.#pool
      .query<Row>({ name: "intake-answers", text: READ, values: [ids] })
      .catch(() => ({ rows: [] })); // the next poll asks again
    for (const row of found.rows) {
      const answer = row.answer ?? (row.stopped ? "stopped" : cancelled(row));
      for (const end of this.#waiting.get(row.id) ?? []) end(answer);
    }
  }
}

// What came before the flow was stopped may still be worked on, as long as somebody holds its events.
const READ = `
  SELECT id::text, answer, false AS stopped, NULL::int AS written, NULL::int AS dead FROM inbox_answer WHERE id = ANY($1::bigint[])
  UNION ALL SELECT id::text, NULL, false, (created + updated + deleted)::int, dead::int FROM run
  WHERE id = ANY($1::bigint[]) AND state = 'cancelled'
  UNION ALL SELECT e.id::text, NULL, true, NULL, NULL FROM inbox_event e
  JOIN flow f ON f.id = e.flow_id AND f.paused JOIN inbox_queue q ON q.flow_id = e.flow_id AND q.id = e.id
  LEFT JOIN inbox_drain d ON d.flow_id = e.flow_id
  WHERE e.id = ANY($1::bigint[]) AND (e.received_at > f.paused_at OR d.lease_worker IS NULL)`;

type Row = {
  id: string;
  answer: EventAnswer | null;
  stopped: boolean;
  written: number | null;
  dead: number | null;
};

function cancelled({ id, written, dead }: Row): EventAnswer {
  const counted = (count: number, what: string) => `${count} ${count === 1 ? "record" : "records"} ${what}`;
  const before = [
    ...(written ? [counted(written, "had been written by then")] : []),
    ...(dead ? [counted(dead, "may have arrived and went to a person")] : []),
  ];
  const done = before.length === 0 ? "Nothing of it was written" : before.join(", ");
  const message = `Run ${id} of this event was cancelled. ${done}. To have it worked on, send it as a new event, or replay its delivery.`;
  return { outcome: "cancelled", error: { code: "cancelled", message } };
}
