/** A database with a session of the connector on it, for this folder's tests. */
import pg from "pg";
import type { ConnectorSession, JsonRecord, Operation, ReadPage, ReadRequest } from "../../sdk/types.ts";
import type { LedgerEntry } from "../../sdk/writing.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/postgres-database.ts";
import { calm, readPages, recordingHooks, toUndo } from "../../testing/sessions.ts";
import { postgres } from "../connector.ts";

export async function openTestSession(prefix: string, sql: string) {
  const database = await createTestDatabase(prefix);
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(sql);
  const session = await sessionOn(database);
  return {
    database,
    admin,
    session,
    sql: (text: string, values: unknown[] = []) => admin.query(text, values).then((result) => result.rows),
    ...shortcuts(session),
    async stop() {
      await session.close();
      await admin.end();
      await database.drop();
    },
  };
}

export function sessionOn(
  database: TestDatabase,
  change: { [setting: string]: unknown } = {},
  login: { user?: string; password?: string } = {},
) {
  const { host, port, database: name, user, password } = database;
  return postgres.open({
    name: "Books",
    settings: postgres.settings.parse({ host, port, database: name, ...change }),
    credentials: postgres.credentials.parse({ user, password, ...login }),
    allowPrivateNetwork: true,
  });
}

/** Writes, reads and so on with less to type; record keys are `k0`, `k1`… */
export function shortcuts(session: ConnectorSession) {
  const request = (sink: string, operation: Operation, match: string[], values: JsonRecord[]) => ({
    sink,
    operation,
    match,
    records: values.map((one, at) => ({ key: `k${at}`, values: one, idempotencyKey: `i${at}` })),
    signal: calm(),
  });
  return {
    async write(sink: string, operation: Operation, match: string[], values: JsonRecord[]) {
      const page = request(sink, operation, match, values);
      const { hooks, entries } = recordingHooks();
      const outcomes = await session.write(page, hooks);
      return { outcomes, entries, ledger: toUndo(page.records, entries), short: outcomes.map((one) => one.outcome) };
    },
    foresee: (
      sink: string,
      operation: Operation,
      match: string[],
      values: JsonRecord[],
      assumed?: Map<string, JsonRecord | null>,
    ) => session.foresee({ ...request(sink, operation, match, values), assumed }),
    async undo(sink: string, ledger: ReturnType<typeof toUndo>, options: { force?: boolean; preview?: boolean } = {}) {
      const entries: LedgerEntry[] = [];
      const hooks = { enter: async (page: LedgerEntry[]) => void entries.push(...page) };
      const outcomes = await session.undo(
        { sink, records: ledger, force: false, preview: false, signal: calm(), ...options },
        hooks,
      );
      return { outcomes, entries, short: outcomes.map((one) => one.outcome) };
    },
    async read(stream: string, options: Partial<ReadRequest> = {}) {
      const pages: ReadPage[] = await readPages(session, { stream, ...options });
      return pages.flatMap((page) => page.records);
    },
  };
}
