/**
 * How a connector is written. A connector with needs of its own gives `open`; one for an HTTP API that takes records one
 * by one describes its streams and sinks, and the session is made from those.
 */
import { z } from "zod";
import { IntegrationError, quote } from "./errors.ts";
import { fieldsFromJsonSchema, valueProblem } from "./fields.ts";
import { createHttp, type Http, type HttpOptions } from "./http.ts";
import type { RecordSink, Saved, SendContext, Stored } from "./plan-write.ts";
import { writeRecords } from "./record-sink.ts";
import { foreseeRecords, undoRecords } from "./record-sink-undo.ts";
import type { Track } from "./suspects.ts";
import type {
  Connector,
  ConnectorSession,
  Field,
  Json,
  JsonRecord,
  OpenOptions,
  Operation,
  ReadPage,
  SinkInfo,
  StreamInfo,
} from "./types.ts";

export type StreamDefinition = {
  title: string;
  /** shape of a record; pages are checked against it */
  record: z.ZodType;
  key: string[];
  /** field that grows with each change; then `read` gets `after` and yields oldest change first */
  changedAt?: string;
  /** Yields pages from `cursor` (null: the start) on; each page says where reading resumes after it. */
  read(context: {
    http: Http;
    cursor: Json;
    pageSize: number;
    after: Json;
    signal: AbortSignal;
  }): AsyncIterable<{ records: JsonRecord[]; cursor: Json }>;
};

export type SinkDefinition = {
  title: string;
  record: z.ZodType;
  key: string[];
  operations: Operation[];
  /** the remote system acts once per idempotency key */
  idempotencyKeys?: boolean;
  /** requests at once; 4 when absent */
  concurrency?: number;
  create(context: { http: Http; record: JsonRecord } & SendContext): Promise<Saved>;
  update?(
    context: {
      http: Http;
      record: JsonRecord;
      changed: JsonRecord;
      current: JsonRecord | null;
      identity: JsonRecord;
      remoteId?: string;
    } & SendContext,
  ): Promise<Saved>;
  remove?(context: { http: Http; identity: JsonRecord; remoteId?: string } & SendContext): Promise<void>;
  /** The record with this key as the system holds it; null when there is none. Gives before-images, dry run and undo. */
  readBack?(context: { http: Http; identity: JsonRecord; signal: AbortSignal }): Promise<Stored | null>;
  undoNote?: string;
};

type Described<S, C> = {
  http(options: Pick<OpenOptions<S, C>, "settings" | "credentials">): Omit<HttpOptions, "name" | "allowPrivateNetwork">;
  check(context: { http: Http; signal: AbortSignal }): Promise<unknown>;
  streams?: Record<string, StreamDefinition>;
  sinks?: Record<string, SinkDefinition>;
};

type About<S, C> = Omit<Connector<S, C>, "open">;

export const defineStream = (stream: StreamDefinition): StreamDefinition => stream;
export const defineSink = (sink: SinkDefinition): SinkDefinition => sink;

export function defineConnector<S, C>(
  definition: (About<S, C> & Pick<Connector<S, C>, "open">) | (About<S, C> & Described<S, C>),
): Connector<S, C> {
  if ("open" in definition) return definition;
  const { http, check, streams = {}, sinks = {}, ...about } = definition;
  return {
    ...about,
    paced: true,
    async open({ name, settings, credentials, allowPrivateNetwork, pace, track }) {
      const client = createHttp({
        name,
        allowPrivateNetwork,
        ...(pace ? { pace } : {}),
        ...http({ settings, credentials }),
      });
      return describedSession(name, client, { check, streams, sinks }, track);
    },
  };
}

const fieldsOf = (record: z.ZodType, key: string[]): Field[] =>
  fieldsFromJsonSchema(z.toJSONSchema(record, { io: "input", unrepresentable: "any" }) as JsonRecord, key);

function describedSession(
  name: string,
  http: Http,
  { check, streams, sinks }: Required<Pick<Described<never, never>, "check" | "streams" | "sinks">>,
  track?: Track,
): ConnectorSession {
  const named = <T>(what: string, list: Record<string, T>, wanted: string): T => {
    const found = Object.hasOwn(list, wanted) ? list[wanted] : undefined;
    if (found) return found;
    const known = Object.keys(list)
      .map((one) => quote(one))
      .join(", ");
    throw new IntegrationError(`${name} has no ${what} named ${quote(wanted)}; it has ${known || "none"}.`, {
      kind: "settings",
      code: `${what}-unknown`,
    });
  };
  const sinkNamed = (wanted: string) => recordSinkOf(http, wanted, named("sink", sinks, wanted));
  return {
    async check(signal) {
      await check({ http, signal });
      return {};
    },
    streams: async () => Object.entries(streams).map(([id, stream]) => streamInfoOf(id, stream)),
    sinks: async () => Object.entries(sinks).map(([id, sink]) => sinkInfoOf(id, sink)),
    async *read(request) {
      const stream = named("stream", streams, request.stream);
      let left = request.limit ?? Number.POSITIVE_INFINITY;
      const { cursor, pageSize, watermark, signal } = request;
      for await (const page of stream.read({
        http,
        cursor,
        pageSize: Math.min(pageSize, left),
        after: watermark?.after ?? null,
        signal,
      })) {
        signal.throwIfAborted();
        const records = page.records.slice(0, left);
        left -= records.length;
        const done: ReadPage = { records, cursor: page.cursor };
        const newest = watermark ? records.at(-1)?.[watermark.field] : undefined;
        if (newest !== undefined) done.watermark = newest;
        yield done;
        if (left <= 0) return;
      }
    },
    write: async (request, hooks) => writeRecords(sinkNamed(request.sink), request, hooks, track),
    foresee: async (request) => foreseeRecords(sinkNamed(request.sink), request),
    undo: async (request, hooks) => undoRecords(sinkNamed(request.sink), request, hooks),
    close: () => http.close(),
  };
}

const streamInfoOf = (name: string, { title, record, key, changedAt }: StreamDefinition): StreamInfo => ({
  name,
  title,
  fields: fieldsOf(record, key),
  key,
  watermarks: changedAt ? [changedAt] : [],
});

function sinkInfoOf(name: string, sink: SinkDefinition): SinkInfo {
  const readBack = sink.readBack !== undefined;
  const undo = readBack && sink.remove ? "full" : readBack || sink.remove ? "lossy" : "none";
  return {
    name,
    title: sink.title,
    fields: fieldsOf(sink.record, sink.key),
    open: false,
    matchKeys: [sink.key],
    operations: sink.operations,
    batchSize: 200,
    readBack,
    undo,
    undoNote: sink.undoNote,
    idempotencyKeys: sink.idempotencyKeys === true,
    effect: sink.idempotencyKeys || readBack ? "once" : "at-least-once",
  };
}

function recordSinkOf(http: Http, name: string, sink: SinkDefinition): RecordSink {
  const fields = fieldsOf(sink.record, sink.key);
  const { update, remove, readBack } = sink;
  return {
    name,
    key: sink.key,
    concurrency: sink.concurrency ?? 4,
    idempotencyKeys: sink.idempotencyKeys === true,
    identify: (values, stored) =>
      Object.fromEntries(
        sink.key
          .flatMap((field) => [[field, values[field] ?? stored?.record?.[field]]])
          .filter(([, value]) => value !== undefined),
      ),
    problem: (values, operation) => valueProblem(fields, values, operation),
    create: (record, context) => sink.create({ http, record, ...context }),
    ...(update && {
      update: ({ identity, current, remoteId }, changed, record, context) =>
        update({ http, record, changed, current, identity, remoteId, ...context }),
    }),
    ...(remove && { remove: ({ identity, remoteId }, context) => remove({ http, identity, remoteId, ...context }) }),
    ...(readBack && { read: (identity, signal) => readBack({ http, identity, signal }) }),
  } satisfies RecordSink as RecordSink;
}
