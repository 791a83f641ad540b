/** One open connection to a PostgreSQL database. */
import { IntegrationError } from "../sdk/errors.ts";
import type { ConnectorSession, OpenOptions } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import { LOG, READER, tableMissing, WATCH } from "./catalog.ts";
import { openClients } from "./client.ts";
import { describeSinks, describeStreams } from "./describe.ts";
import { callFailure, serverTrouble } from "./errors.ts";
import { findRows } from "./find.ts";
import { foreseePage } from "./foresee.ts";
import { newestMark } from "./newest-mark.ts";
import { UnknownField } from "./page.ts";
import { keyRanges } from "./ranges.ts";
import { readTable } from "./read.ts";
import type { PostgresCredentials, PostgresSettings } from "./settings.ts";
import { openTables } from "./tables.ts";
import { rawQuery, ShapeChanged, settleReceipt } from "./transaction.ts";
import { undoPage } from "./undo.ts";
import { openWatching } from "./watch/watching.ts";
import { type StatementCache, writePage } from "./write.ts";

/** Opens nothing yet: each method connects when it needs to. */
export function openSession(options: OpenOptions<PostgresSettings, PostgresCredentials>): ConnectorSession {
  const { settings, credentials } = options;
  const clients = openClients({
    name: options.name,
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: credentials.user,
    password: () => credentials.password,
    ssl: settings.ssl,
    rule: { allowPrivateNetwork: options.allowPrivateNetwork },
  });
  const tables = openTables(clients, settings.schema);
  const statements: StatementCache = new WeakMap();

  /** Works on the table as last seen; when that proves outdated, once more on the table as it is. */
  async function onTable<T>(name: string, work: (table: Table) => Promise<T>): Promise<T> {
    try {
      return await work(await tables.get(name));
    } catch (error) {
      if (!(error instanceof ShapeChanged || error instanceof UnknownField)) throw error;
      tables.forget(name);
      try {
        return await work(await tables.get(name));
      } catch (again) {
        throw outdated(options.name, name, again);
      }
    }
  }

  return {
    check: (signal) => check(clients, settings, signal),
    async streams(signal) {
      signal.throwIfAborted();
      return describeStreams(await tables.all(), settings.schema);
    },
    async sinks(signal) {
      signal.throwIfAborted();
      return describeSinks(await tables.all(), settings.schema);
    },
    async *read(request) {
      const table = await tables.get(request.stream);
      try {
        yield* readTable(clients, table, request);
      } catch (error) {
        if (!(error instanceof ShapeChanged)) throw error;
        tables.forget(request.stream);
        await tables.get(request.stream); // says so when it is gone
        throw outdated(options.name, request.stream, error);
      }
    },
    ranges: (request) => onTable(request.stream, (table) => keyRanges(clients, table, request)),
    mark: (request) => onTable(request.stream, (table) => newestMark(clients, table, request)),
    find: (request) => onTable(request.stream, (table) => findRows(clients, table, request)),
    write: (request, hooks) =>
      onTable(request.sink, (table) =>
        writePage(clients, statements, sinkTable(options.name, settings.schema, request.sink, table), request, hooks),
      ),
    foresee: (request) =>
      onTable(request.sink, (table) =>
        foreseePage(clients, sinkTable(options.name, settings.schema, request.sink, table), request),
      ),
    async undo(request, hooks) {
      // a field the table as last seen lacks may be there again
      const { columns } = await tables.get(request.sink);
      const known = new Set(columns.map((column) => column.name));
      const fields = request.records.flatMap(({ before, after }) => Object.keys({ ...before, ...after }));
      if (fields.some((field) => !known.has(field))) tables.forget(request.sink);
      return await onTable(request.sink, (table) =>
        undoPage(clients, sinkTable(options.name, settings.schema, request.sink, table), request, hooks),
      );
    },
    watching: openWatching(clients, tables, onTable),
    settle: (receipt, signal) => settleReceipt(clients, receipt, signal),
    close: () => clients.close(),
  };
}

function sinkTable(connection: string, schema: string, name: string, table: Table): Table {
  if (table.kind === "r" || table.kind === "p") return table;
  const error = tableMissing(connection, schema, name);
  throw new IntegrationError(
    `“${connection}”: ${name} is a view or foreign table and takes no records. Choose a table.`,
    {
      kind: "settings",
      code: "not-writable",
      cause: error,
    },
  );
}

function outdated(connection: string, name: string, error: unknown): unknown {
  if (error instanceof UnknownField) return error.failure;
  if (!(error instanceof ShapeChanged)) return error;
  const found = error.cause instanceof Error ? error.cause.message : String(error.cause);
  return new IntegrationError(
    `“${connection}”: ${name} changed while it was in use (${found}). Look at the step's fields, then run again.`,
    { kind: "settings", code: "table-changed", cause: error.cause },
  );
}

async function check(
  clients: ReturnType<typeof openClients>,
  { database, schema }: PostgresSettings,
  signal: AbortSignal,
): Promise<{ message?: string }> {
  signal.throwIfAborted();
  return clients.use(async (client) => {
    try {
      const [row] = await rawQuery(
        client,
        `SELECT current_setting('server_version'), EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1),
          (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = $1 AND c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition
             AND c.relname NOT IN ('${LOG}','${WATCH}','${READER}'))`,
        [schema],
      );
      if (row![1] !== "t")
        throw new IntegrationError(
          `“${clients.access.name}”: database "${database}" has no schema "${schema}". Correct the schema under Connections.`,
          {
            kind: "settings",
            code: "schema-missing",
          },
        );
      return {
        message: `PostgreSQL ${row![0]!.split(" ")[0]}, database ${database}, ${row![2]} tables and views in schema ${schema}`,
      };
    } catch (error) {
      throw callFailure(clients.access, error, "checking") ?? serverTrouble(clients.access, error, "checking");
    }
  });
}
