/**
 * Stores events durably, many in one commit: what arrives while a commit is under way goes into the next one. Each
 * `store` resolves when its event is on disk, so a sender that got 202 can forget it.
 */
import type pg from "pg";

export const EVENTS_CHANNEL = "plumbline_events";

export type NewEvent = {
  flowId: string;
  workspaceId: string;
  eventId: string;
  contentType: string;
  /** JSON text */
  headers: string;
  body: string;
  sizeBytes: number;
};

/** `id` is the number of the delivery and of its run; a repeat has the number of the first. */
export type Stored = { id: string; repeat: boolean };

const MOST_EVENTS = 1_000;
const MOST_BYTES = 16 * 1024 * 1024;

type Waiting = { event: NewEvent; name: string; done(stored: Stored): void; failed(error: unknown): void };

// One event may be there twice in a group; `times` says so. xmax is 0 in a row that was not there before.
const INSERT = `
  WITH stored AS (
    INSERT INTO inbox_event AS e (flow_id, workspace_id, event_id, content_type, headers, body, repeats)
    SELECT r.flow, r.workspace, r.event, r.type, r.headers::jsonb, r.body, r.times - 1
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[])
      WITH ORDINALITY AS r(flow, workspace, event, type, headers, body, size, times, place) ORDER BY r.place
    ON CONFLICT (flow_id, event_id) DO UPDATE SET repeats = e.repeats + excluded.repeats + 1, last_repeat_at = now()
    RETURNING e.id, e.workspace_id, e.flow_id, e.event_id, xmax = 0 AS fresh, octet_length(e.body) AS size),
  queued AS (INSERT INTO inbox_queue (workspace_id, flow_id, id, size_bytes)
    SELECT workspace_id, flow_id, id, size FROM stored WHERE fresh)
  SELECT id::text, flow_id AS flow, event_id AS event, fresh,
    CASE WHEN fresh THEN pg_notify('${EVENTS_CHANNEL}', flow_id) END FROM stored`;

type StoredRow = { id: string; flow: string; event: string; fresh: boolean };

export class Inbox {
  readonly #pool: pg.Pool;
  #waiting: Waiting[] = [];
  #writing = 0;
  #idle: (() => void)[] = [];
  /** commits under way at most: one is on disk while the next is sent */
  readonly #lanes: number;

  constructor(pool: pg.Pool, lanes = 2) {
    this.#pool = pool;
    this.#lanes = lanes;
  }

  /** @throws what the database says; then the event is not stored */
  store(event: NewEvent): Promise<Stored> {
    return new Promise((done, failed) => {
      this.#waiting.push({ event, name: `${event.flowId}\u0000${event.eventId}`, done, failed });
      // what arrives in the same turn of the event loop goes together
      if (this.#waiting.length === 1) setImmediate(() => this.#write());
    });
  }

  /** Resolves when everything handed over so far is stored or has failed. */
  async flushed(): Promise<void> {
    if (this.#waiting.length === 0 && this.#writing === 0) return;
    await new Promise<void>((idle) => this.#idle.push(idle));
  }

  #write(): void {
    if (this.#writing >= this.#lanes || this.#waiting.length === 0) return;
    const group = this.#takeGroup();
    this.#writing++;
    insertGroup(this.#pool, group)
      .finally(() => {
        this.#writing--;
        if (this.#waiting.length > 0) this.#write();
        else if (this.#writing === 0) for (const idle of this.#idle.splice(0)) idle();
      })
      .catch(() => {}); // every waiting sender was told
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { event } of this.#waiting) {
      bytes += event.sizeBytes;
      if (count > 0 && (count >= MOST_EVENTS || bytes > MOST_BYTES)) break;
      count++;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return group;
  }
}

async function insertGroup(pool: pg.Pool, group: Waiting[]): Promise<void> {
  try {
    await insert(pool, group);
  } catch (error) {
    const { code } = error as { code?: string };
    // Data the database cannot take: the others must not suffer for it. A deadlock: two processes had repeats of the same
    // events, each in the order they came; one by one they cannot wait for each other.
    if (group.length > 1 && (code?.startsWith("22") || code === "40P01"))
      for (const one of group) await insertGroup(pool, [one]);
    else for (const { failed } of group) failed(error);
  }
}

async function insert(pool: pg.Pool, group: Waiting[]): Promise<void> {
  const times = new Map<string, number>();
  const firsts: Waiting[] = [];
  for (const one of group) {
    const seen = times.get(one.name);
    if (seen === undefined) firsts.push(one);
    times.set(one.name, (seen ?? 0) + 1);
  }
  const columns: unknown[][] = [[], [], [], [], [], [], [], []];
  for (const { event, name } of firsts) {
    const { flowId, workspaceId, eventId, contentType, headers, body, sizeBytes } = event;
    const row = [flowId, workspaceId, eventId, contentType, headers, body, sizeBytes, times.get(name)];
    for (let at = 0; at < row.length; at++) columns[at]?.push(row[at]);
  }
  const { rows } = await pool.query<StoredRow>({ name: "intake-store", text: INSERT, values: columns });
  const stored = new Map(rows.map((row) => [`${row.flow}\u0000${row.event}`, row]));
  for (const { name, done, failed } of group) {
    const row = stored.get(name);
    if (!row) {
      failed(new Error("The inbox gave no answer for an event."));
      continue;
    }
    done({ id: row.id, repeat: !row.fresh });
    row.fresh = false; // what came twice in this group is new once
  }
}
