import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import {
  AnyJson,
  Id,
  IdParams,
  Instant,
  JsonObject,
  LeftRecorders,
  listed,
  Ok,
  SinkSchema,
  StreamSchema,
  WatchSchema,
} from "../api/schemas.ts";
import { storableText } from "../db/storable.ts";
import { LongPageQuery, PageQuery, pageOfWhole, pageSchema } from "../paging.ts";
import { getWatch, installWatch, removeWatch } from "../watching/install-watch.ts";
import { createConnection, laidOver, removeConnection, updateConnection } from "./change-connections.ts";
import { checkConnection } from "./check-connection.ts";
import { connectorInfo, getConnector, listConnectors } from "./connector-info.ts";
import { ConnectionPatch, CreateConnection } from "./input.ts";
import { pageOfConnections } from "./page-of-connections.ts";
import { getConnection, listSinks, listStreams } from "./read-connections.ts";
import { sinkOptions } from "./sink-options.ts";

const Connector = z
  .object({
    id: z.string(),
    title: z.string(),
    summary: z.string(),
    mark: z.object({ letters: z.string(), tint: z.string() }),
    settings: JsonObject.describe("JSON Schema (draft 2020-12) of a connection's settings."),
    credentials: JsonObject.describe("JSON Schema of its credentials; `secret: true` marks write-only fields."),
    sinkOptions: JsonObject.describe("JSON Schema of what a write step says about its sink."),
  })
  .meta({ id: "Connector" });

const OutageSchema = z
  .object({
    connectionId: z.string(),
    connectionName: z.string(),
    since: Instant,
    reason: z.string().nullable(),
    waitingRuns: z.number().int(),
    waitingRecords: z.number().int().describe("Records read and not written yet; their runs count them as held."),
    nextTryAt: Instant.nullable(),
  })
  .meta({ id: "Outage" });

const Summary = z.object({
  id: z.string(),
  name: z.string(),
  connector: z.string(),
  connectorTitle: z.string(),
  state: z.enum(["unchecked", "ok", "refused", "unreachable"]),
  stateMessage: z.string().nullable(),
  checkedAt: Instant.nullable(),
  usedBy: z.array(z.object({ id: z.string(), name: z.string() })).describe("Flows that use it."),
  outage: OutageSchema.nullable().describe("While the system is down: nobody asks it but the probe."),
});
const ConnectionSummary = Summary.meta({ id: "ConnectionSummary" });
const ConnectionDetail = Summary.extend({
  settings: AnyJson,
  credentialsSet: z.array(z.string()).describe("Names of the credentials that are filled in; never their values."),
}).meta({ id: "Connection" });

const OneStream = z.object({ stream: storableText(1_000).min(1).describe("Name of the stream.") });
const WatchDetail = z
  .object({
    watch: WatchSchema,
    plan: z
      .object({
        summary: z.array(z.string()).describe("What would be made in the system, in sentences."),
        script: z.string().describe("The same as the system's administrator would do it by hand."),
      })
      .nullable(),
    flows: z.array(z.object({ id: z.string(), name: z.string() })).describe("Published flows that follow it."),
  })
  .meta({ id: "WatchDetail" });

const CheckResult = z.object({ ok: z.boolean(), message: z.string().optional() });
const Browse = LongPageQuery.extend({ refresh: z.stringbool().optional().describe("Ask the system again now.") });
const asConnector = (info: ReturnType<typeof connectorInfo>) => ({
  ...info,
  settings: info.settings as z.infer<typeof JsonObject>,
  credentials: info.credentials as z.infer<typeof JsonObject>,
  sinkOptions,
});

export const connectionRoutes = [
  defineRoute({
    method: "GET",
    path: "/connectors",
    role: "viewer",
    summary: "The connectors there are",
    query: LongPageQuery,
    response: pageSchema(Connector),
    handle: async (_ctx, { query }) => pageOfWhole(listConnectors().map(asConnector), query, (_item, index) => [index]),
  }),
  defineRoute({
    method: "GET",
    path: "/connectors/:id",
    role: "viewer",
    summary: "One connector with the JSON Schemas of its settings and credentials",
    params: IdParams,
    response: Connector,
    handle: async (_ctx, { params }) => asConnector(connectorInfo(getConnector(params.id))),
  }),
  defineRoute({
    method: "POST",
    path: "/connections",
    role: "builder",
    summary: "Store a connection",
    description: "The system is not asked yet; POST /connections/:id/check does that.",
    status: 201,
    body: CreateConnection,
    response: Id,
    failures: { "name-taken": 409 },
    example: {
      body: {
        name: "Shop",
        connector: "postgres",
        settings: { host: "127.0.0.1", port: 5432, database: "shop" },
        credentials: { user: "shop", password: "…" },
      },
      response: { id: "con_7k2m9x" },
    },
    handle: (ctx, { body }) => createConnection(ctx, body),
  }),
  defineRoute({
    method: "GET",
    path: "/connections",
    role: "viewer",
    summary: "All connections",
    query: PageQuery,
    response: pageSchema(ConnectionSummary),
    handle: (ctx, { query }) => pageOfConnections(ctx, query),
  }),
  defineRoute({
    method: "GET",
    path: "/connections/:id",
    role: "viewer",
    summary: "One connection, without its credentials",
    params: IdParams,
    response: ConnectionDetail,
    handle: (ctx, { params }) => getConnection(ctx, params),
  }),
  defineRoute({
    method: "PATCH",
    path: "/connections/:id",
    role: "builder",
    summary: "Change name, settings or credentials",
    params: IdParams,
    body: ConnectionPatch.extend({
      settings: z.unknown().optional().describe("Laid over the stored ones: an absent setting stays, null removes it."),
    }),
    response: Ok,
    failures: { "name-taken": 409, "connection-in-use": 409 },
    async handle(ctx, { params, body }) {
      const { settings: before } = await getConnection(ctx, params);
      return updateConnection(ctx, { ...body, id: params.id, settings: laidOver(before, body.settings) });
    },
  }),
  defineRoute({
    method: "DELETE",
    path: "/connections/:id",
    role: "admin",
    summary: "Remove a connection that no flow uses",
    params: IdParams,
    response: Ok.extend({ recorders: LeftRecorders }),
    failures: { "connection-in-use": 409 },
    handle: (ctx, { params }) => removeConnection(ctx, params),
  }),
  defineRoute({
    method: "POST",
    path: "/connections/:id/check",
    role: "builder",
    summary: "Talk to the system once: does it answer and let us in?",
    params: IdParams,
    response: CheckResult,
    example: {
      response: { ok: false, message: "Shop refused the stored credentials. Reconnect it under Connections." },
    },
    handle: (ctx, { params }) => checkConnection(ctx, params),
  }),
  defineRoute({
    method: "POST",
    path: "/connections/:id/try",
    role: "operator",
    summary: "Ask a system that is down at once; when it answers, the runs that wait for it go on",
    params: IdParams,
    response: CheckResult,
    handle: (ctx, { params }) => checkConnection(ctx, params),
  }),
  defineRoute({
    method: "GET",
    path: "/connections/:id/streams",
    role: "viewer",
    summary: "Collections that can be read, with their fields",
    params: IdParams,
    query: Browse,
    response: pageSchema(StreamSchema),
    failures: { "login-refused": 422, "connection-refused": 502 },
    async handle(ctx, { params, query: { refresh, ...page } }) {
      const streams = await listStreams(ctx, { ...params, refresh, doubt: true });
      return pageOfWhole(
        streams.map((stream) => listed(stream, "stream")),
        page,
        ({ name }, index) => [index, name],
      );
    },
  }),
  defineRoute({
    method: "GET",
    path: "/connections/:id/watch",
    role: "builder",
    summary: "Is a stream watched, what would that take, and which flows follow it?",
    params: IdParams,
    query: OneStream,
    response: WatchDetail,
    failures: { "login-refused": 422, "connection-refused": 502 },
    handle: (ctx, { params, query }) => getWatch(ctx, { ...params, ...query }),
  }),
  defineRoute({
    method: "POST",
    path: "/connections/:id/watch",
    role: "builder",
    summary: "Install what records a stream's changes, in the system itself",
    description: "Replaces what is installed already; flows that follow the stream then read it once more.",
    params: IdParams,
    body: OneStream,
    response: z.object({ watch: WatchSchema }),
    failures: { "watch-refused": 422, "not-watchable": 422, "lock-timeout": 502 },
    handle: (ctx, { params, body }) => installWatch(ctx, { ...params, ...body }),
  }),
  defineRoute({
    method: "DELETE",
    path: "/connections/:id/watch",
    role: "builder",
    summary: "Remove what records a stream's changes",
    params: IdParams,
    query: OneStream,
    response: Ok,
    failures: { "watch-in-use": 409 },
    handle: (ctx, { params, query }) => removeWatch(ctx, { ...params, ...query }),
  }),
  defineRoute({
    method: "GET",
    path: "/connections/:id/sinks",
    role: "viewer",
    summary: "Places that can be written, with their fields",
    params: IdParams,
    query: Browse,
    response: pageSchema(SinkSchema),
    failures: { "login-refused": 422, "connection-refused": 502 },
    async handle(ctx, { params, query: { refresh, ...page } }) {
      const sinks = await listSinks(ctx, { ...params, refresh, doubt: true });
      return pageOfWhole(
        sinks.map((sink) => listed(sink, "sink")),
        page,
        ({ name }, index) => [index, name],
      );
    },
  }),
];
