/**
 * What the product and a connector say to each other. Records are plain JSON: text, finite numbers, booleans, null,
 * lists and nested records. Numbers that a JS number cannot hold exactly (PostgreSQL numeric, bigint) travel as decimal
 * text; dates as ISO 8601 text. The field's `type` says what the text means.
 */
import type { z } from "zod";
import type { StreamWatch, Watching } from "./changes.ts";
import type { FailureInfo } from "./errors.ts";
import type { Pace } from "./http-pace.ts";
import type { Track } from "./suspects.ts";
import type {
  Foreseen,
  ForeseeRequest,
  UndoOutcome,
  UndoRequest,
  WriteHooks,
  WriteOutcome,
  WriteRequest,
} from "./writing.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonRecord = { [name: string]: Json };

export type FieldType =
  | "text"
  | "integer"
  | "decimal"
  | "boolean"
  | "date"
  | "datetime"
  | "time"
  | "json"
  | "list"
  | "record"
  | "any";

/** One field of a stream, a sink or a point in a flow. */
export type Field = {
  name: string;
  type: FieldType;
  title?: string;
  /** the sink refuses a record without it (not null, no default) */
  required?: boolean;
  nullable?: boolean;
  /** longest text, in characters */
  maxLength?: number;
  /** all digits, and digits after the point */
  precision?: number;
  scale?: number;
  /** part of the record's key */
  key?: boolean;
  unique?: boolean;
  /** the target fills it when it is absent */
  default?: boolean;
  /** the target alone fills it (an identity, a computed column): it can be matched on, never written */
  readOnly?: boolean;
  /** the only texts allowed */
  options?: string[];
  /** fields of a record, or of a list's records */
  fields?: Field[];
  sample?: Json;
  /** share of empty values in the samples, 0 to 1 */
  emptyShare?: number;
};

export type StreamInfo = {
  name: string;
  title: string;
  fields: Field[];
  /** fields that identify a record; empty when the source has none */
  key: string[];
  /** fields that can serve as a watermark: they grow whenever a record changes */
  watermarks: string[];
  /** about how many records, when the source tells cheaply */
  estimate?: number;
  /** sets of fields by which `find` can ask for single records; "any": by whatever fields. Absent: it can only be read */
  findBy?: "any" | string[][];
  /** whether its changes can be followed as they happen; absent: not at all */
  watch?: StreamWatch;
  /** why its fields could not be learnt just now; the other streams of the connection are usable all the same */
  problem?: FailureInfo;
};

export type Operation = "insert" | "update" | "upsert" | "delete";
export type Undoability = "full" | "lossy" | "none";

export type SinkInfo = {
  name: string;
  title: string;
  /**
   * stands for places that are made when they are first written (a new file): source of the regular expression their names
   * match in full
   */
  names?: string;
  fields: Field[];
  /** takes fields that `fields` does not name (a REST sink without a schema) */
  open: boolean;
  /** of a sink that sends JSON: decimals in fields it does not know go out as numbers where a JSON number holds them exactly */
  jsonNumbers?: boolean;
  /** sets of fields that identify one record: primary key and unique constraints; empty = any field may be tried */
  matchKeys: string[][];
  operations: Operation[];
  /** records per `write` that suit the system best */
  batchSize: number;
  /** can read a record back: before-images, compare, undo and the dry run need it */
  readBack: boolean;
  undo: Undoability;
  /** what is lost or why it cannot be undone, a sentence for the screen */
  undoNote?: string;
  idempotencyKeys: boolean;
  /** all that must be unique, as far as it is known; null for an expression, of which nothing more is known */
  uniques?: (string[] | null)[];
  /** sinks of the same connection whose records must be there before its own (foreign keys) */
  refers?: string[];
  /** each `write` is one transaction of the target: nothing of it shows before all of it does */
  transactional?: boolean;
  /**
   * "once": after any crash the target holds each write once (by reading back alone: unless a request is carried out long after its
   * worker is gone, see docs/decisions/0001); "at-least-once": it may arrive twice
   */
  effect: "once" | "at-least-once";
};

export type ReadRequest = {
  stream: string;
  /** position after the last page that was checkpointed, as this connector made it; null at the start */
  cursor: Json;
  /** incremental: only records whose `field` is beyond `after` (null: all), oldest first; `until` (inclusive) ends a backfill */
  watermark?: { field: string; after: Json; until?: Json };
  /** only records of this range, as `ranges` made it */
  range?: Json;
  /** records per page wanted */
  pageSize: number;
  /** stop after so many records (a preview, a limited dry run) */
  limit?: number;
  signal: AbortSignal;
};

/** How a stream is to be divided, so that several workers read it at once. */
export type RangesRequest = {
  stream: string;
  /** about so many records in each range */
  size: number;
  /** at most so many ranges */
  most: number;
  /** fewer records than this are not divided */
  least: number;
  signal: AbortSignal;
};

/** `field`: the watermark's */
export type MarkRequest = { stream: string; field: string; signal: AbortSignal };

/** A record the source holds but that cannot be read as one (a CSV line with too many columns). It becomes a dead letter. */
export type Unreadable = { key: string; data: JsonRecord; failure: FailureInfo };

export type ReadPage = {
  records: JsonRecord[];
  unreadable?: Unreadable[];
  /** where reading resumes after this page */
  cursor: Json;
  /** given back as `after`: the newest watermark up to and including this page, and which records had it (`Ties`) */
  watermark?: Json;
};

/** Records to look up: for each key, those whose `match` fields have its values. */
export type FindRequest = {
  stream: string;
  /** fields compared, as the system compares them */
  match: string[];
  /** a value for each `match` field, none of them empty; no two keys alike */
  keys: JsonRecord[];
  /** fields wanted; absent: all */
  fields?: string[];
  signal: AbortSignal;
};

/** An open connection to one remote system. Methods may be called concurrently. */
export type ConnectorSession = {
  /** Talks to the system once. Resolves when it answers and lets us in; throws an IntegrationError that names which and what to do. */
  check(signal: AbortSignal): Promise<{ message?: string }>;
  streams(signal: AbortSignal): Promise<StreamInfo[]>;
  sinks(signal: AbortSignal): Promise<SinkInfo[]>;
  read(request: ReadRequest): AsyncIterable<ReadPage>;
  /**
   * Looks up many records at once, in as few requests as the system allows. The records found for each key, in the order of
   * `keys`; null when this stream cannot be asked for records by these fields.
   */
  find?(request: FindRequest): Promise<JsonRecord[][] | null>;
  /**
   * Divides a stream by the order of its key, so that each record is in one range and stays there as long as its key does not
   * change. Absent, or null: this stream cannot be divided, or is too small to be worth it.
   */
  ranges?(request: RangesRequest): Promise<Json[] | null>;
  /**
   * What a page of an incremental read would give as `watermark` behind all records that are there now, without reading
   * them; null when none has one. For a first load that is read in ranges: whatever changes from then on is read by the next run.
   */
  mark?(request: MarkRequest): Promise<Json>;
  /** Outcomes in the order of `records`. Throws only when nothing of the call landed (or its receipt can tell). */
  write(request: WriteRequest, hooks: WriteHooks): Promise<WriteOutcome[]>;
  /** The dry run of `write`; writes nothing anywhere. */
  foresee(request: ForeseeRequest): Promise<Foreseen[]>;
  undo(request: UndoRequest, hooks: WriteHooks): Promise<UndoOutcome[]>;
  /** streams with `watch` */
  watching?: Watching;
  /** After a crash: did the write with this receipt land? */
  settle?(receipt: Json, signal: AbortSignal): Promise<"landed" | "absent" | "unknown">;
  close(): Promise<void>;
};

export type OpenOptions<S, C> = {
  /** the connection's name, for messages */
  name: string;
  settings: S;
  credentials: C;
  /** may this connection go to loopback and private addresses (DESIGN §9) */
  allowPrivateNetwork: boolean;
  /** the product's data folder, for connectors that keep files beside it */
  dataDir?: string;
  /** asked before each request by connectors that are `paced`, so that all workers together keep the system's limits */
  pace?: Pace;
  /** what the system was seen to take, for all sessions with these settings and credentials */
  track?: Track;
};

/** What a connector shows of itself without a connection. */
export type Connector<S = unknown, C = unknown> = {
  id: string;
  title: string;
  summary: string;
  /** our own mark: up to two letters on a tinted tile */
  mark: { letters: string; tint: "teal" | "blue" | "amber" | "violet" | "green" | "slate" | "rose" };
  /** fields with `.meta({ confidential: true })` are shown to people, but their values stay out of the audit log */
  settings: z.ZodType<S>;
  /** `.meta({ secret: true })` fields are write-only */
  credentials: z.ZodType<C>;
  /** asks `pace` before each of its requests; otherwise each call of its session counts as one request */
  paced?: boolean;
  open(options: OpenOptions<S, C>): Promise<ConnectorSession>;
};
