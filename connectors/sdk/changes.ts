/** How a connector follows the changes of a stream as they happen. */
import type { Json, JsonRecord } from "./types.ts";

/** How far a stream can be watched. `note`: a sentence for the screen, always there unless it is on. */
export type StreamWatch = {
  /**
   * on: its changes are recorded · off: the recorder has to be installed first · broken: it was installed and does not record ·
   * refused: it could be watched, but this user may not install the recorder · impossible: it cannot be watched (it has no key)
   */
  state: "on" | "off" | "broken" | "refused" | "impossible";
  note?: string;
};

/** What happened to a record; `read`: it is there, and nobody knows what happened to it (a first or a full look). */
export type ChangeKind = "create" | "update" | "delete" | "read";

export type ChangesRequest = {
  stream: string;
  /** position after the last page that was checkpointed in this run; null at its start */
  cursor: Json;
  /** position behind the run before (`ChangesPage.position`); null: this stream was never followed */
  after: Json;
  /** also records that are gone, as they were */
  deletes: boolean;
  /** never followed before: also what is there already */
  existing: boolean;
  /** finds changes where they are not recorded; without it all records are read there */
  watermark?: string;
  pageSize: number;
  limit?: number;
  signal: AbortSignal;
};

/** A record occurs once, as it is when the page is read, however often it changed. */
export type ChangesPage = {
  records: JsonRecord[];
  /** what happened, record by record */
  kinds: ChangeKind[];
  /** what is behind this page: the cursor within a run, and the start of the next run */
  position: Json;
};

/** What would be made in the system so that a stream can be watched. */
export type WatchPlan = {
  /** in sentences for a person who does not know the system */
  summary: string[];
  /** the same as an administrator of the system would do it by hand */
  script: string;
};

/** Who reads the recorded changes of a stream, and how far. One that pauses for over a week is forgotten, and begins anew. */
export type ChangesReader = { id: string; position: Json; paused: boolean };

/** Following changes as they happen. The recorder is installed on a person's request only. */
export type Watching = {
  /** Pages of what changed since `after`, to the moment of asking; it does not wait for more. */
  changes(request: ChangesRequest): AsyncIterable<ChangesPage>;
  /**
   * `live`: changes are recorded; `missed`: not all since this position, so `changes` begins with all records (or it is the first
   * time); `pending`: `changes` would have something. `note`: why it is not live.
   */
  look(request: {
    stream: string;
    position: Json;
    signal: AbortSignal;
  }): Promise<{ live: boolean; missed: boolean; pending: boolean; note?: string }>;
  /**
   * Calls `changed` whenever something was recorded: with the stream, or null when it is not known which. What comes while it
   * is not listening is told by `look` only. Resolves when the system ends it or the signal does; throws when it cannot begin.
   */
  listen(request: { signal: AbortSignal; listening(): void }, changed: (stream: string | null) => void): Promise<void>;
  plan(stream: string, signal: AbortSignal): Promise<WatchPlan>;
  install(stream: string, signal: AbortSignal): Promise<void>;
  /**
   * Leaves nothing behind of what was installed for this stream.
   *
   * @param unless leave it where others than these readers were seen lately; wait for nobody for long then
   * @returns false when others follow it, and nothing was done
   */
  remove(stream: string, signal: AbortSignal, unless?: { owner: string; readers: string[] }): Promise<boolean>;
  /** What somebody with the rights can run instead; needs no connection. */
  removal(stream: string): string;
  /**
   * Says how far the readers of `owner` are, and forgets what all readers have. Call it now and then for each stream that has
   * readers: without them the recorder stops by itself after a week.
   */
  keep(request: { stream: string; owner: string; readers: ChangesReader[]; signal: AbortSignal }): Promise<void>;
};
