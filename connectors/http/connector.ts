/** Any REST interface that speaks JSON, described by settings: where its lists are, how they page, how records are written. */
import { defineConnector } from "../sdk/define-connector.ts";
import { failureOf, IntegrationError, quote } from "../sdk/errors.ts";
import { fieldsFromJsonSchema, inferFields } from "../sdk/fields.ts";
import { createHttp, type Http } from "../sdk/http.ts";
import { isRecord, variablesOf } from "../sdk/json.ts";
import { inLanes } from "../sdk/lanes.ts";
import { writeRecords } from "../sdk/record-sink.ts";
import { foreseeRecords, undoRecords } from "../sdk/record-sink-undo.ts";
import type { Track } from "../sdk/suspects.ts";
import type { ConnectorSession, JsonRecord, StreamInfo } from "../sdk/types.ts";
import { findRecords } from "./find.ts";
import { fetchPage, readStream } from "./read.ts";
import {
  authOf,
  type HttpCredentials,
  type HttpSettings,
  type HttpStream,
  httpCredentials,
  httpSettings,
} from "./settings.ts";
import { recordSink, sinkInfo } from "./sink.ts";

const firstPage = { at: null, before: 0 };

export const httpConnector = defineConnector<HttpSettings, HttpCredentials>({
  id: "http",
  title: "HTTP JSON",
  summary:
    "Any REST interface that speaks JSON: reads lists in every kind of paging, creates, updates and deletes records.",
  mark: { letters: "{}", tint: "violet" },
  settings: httpSettings,
  credentials: httpCredentials,
  paced: true,
  async open({ name, settings, credentials, allowPrivateNetwork, pace, track }) {
    const { baseUrl, headers, timeoutMs } = settings;
    const http = createHttp({
      name,
      baseUrl,
      auth: authOf(name, settings, credentials),
      headers,
      allowPrivateNetwork,
      timeoutMs,
      connections: 32,
      ...(pace ? { pace } : {}),
    });
    return openSession(name, settings, http, track);
  },
});

function openSession(name: string, settings: HttpSettings, http: Http, track?: Track): ConnectorSession {
  const named = <T extends { name: string }>(what: string, list: T[], wanted: string): T => {
    const found = list.find((one) => one.name === wanted);
    if (found) return found;
    const known = list.map((one) => quote(one.name)).join(", ") || "none";
    throw new IntegrationError(`${name} has no ${what} named ${quote(wanted)}; its settings describe ${known}.`, {
      kind: "settings",
      code: `${what}-unknown`,
    });
  };
  const sinkNamed = (wanted: string) => recordSink(http, named("sink", settings.sinks, wanted));
  const streamNamed = (wanted: string) => named("stream", settings.streams, wanted);

  return {
    check: (signal) => check(http, settings, signal),
    async streams(signal) {
      const infos = new Map<string, StreamInfo>();
      await inLanes(
        settings.streams,
        (stream) => stream.name,
        4,
        async (stream) => {
          infos.set(stream.name, await describeStream(http, stream, signal));
        },
      );
      return settings.streams.map((stream) => infos.get(stream.name)!);
    },
    sinks: async () => settings.sinks.map(sinkInfo),
    async *read(request) {
      yield* readStream(http, streamNamed(request.stream), request);
    },
    find: async (request) => findRecords(http, streamNamed(request.stream), request),
    write: async (request, hooks) => writeRecords(sinkNamed(request.sink), request, hooks, track),
    foresee: async (request) => foreseeRecords(sinkNamed(request.sink), request),
    undo: async (request, hooks) => undoRecords(sinkNamed(request.sink), request, hooks),
    close: () => http.close(),
  };
}

/** Asks for the first list, or the check path, or (when only sinks are described) whether the system lets us near. */
async function check(
  http: Http,
  { streams, sinks, checkPath }: HttpSettings,
  signal: AbortSignal,
): Promise<{ message?: string }> {
  const [stream] = streams;
  if (checkPath !== undefined) await http.request("GET", checkPath, { signal });
  else if (stream) {
    const { items } = await fetchPage(http, stream, firstPage, { ...stream.query }, signal);
    return { message: `Let in; the first page of "${stream.name}" holds ${items.length} records.` };
  } else {
    const path = sinks.map((sink) => sink.create.path).find((one) => !one.includes("{")) ?? "";
    const reached = [400, 404, 405, 406, 410, 415, 422, 501]; // an answer, and not a refusal of the credentials
    await http.request("HEAD", path, { ok: reached, signal });
  }
  return { message: "Let in." };
}

async function describeStream(http: Http, stream: HttpStream, signal: AbortSignal): Promise<StreamInfo> {
  const { name, title = name, key, changedAt, schema, sample = [] } = stream;
  const info: StreamInfo = { name, title, fields: [], key, watermarks: changedAt ? [changedAt] : [] };
  if (stream.lookup) info.findBy = [variablesOf(stream.lookup.path)];
  if (schema) return { ...info, fields: fieldsFromJsonSchema(schema, key) };
  try {
    const { items } = await fetchPage(http, stream, firstPage, { ...stream.query }, signal);
    const records = items.filter((item): item is JsonRecord => isRecord(item)).slice(0, 500);
    return { ...info, fields: inferFields([...sample, ...records], key) };
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error);
    // One list that is gone must not hide the others; refused credentials concern them all.
    if (failure.kind === "credentials" || failure.code === "unreachable" || failure.code === "network-not-allowed")
      throw error;
    return { ...info, fields: inferFields(sample, key), problem: failure };
  }
}
