/** Writes one page in one transaction. */
import type { LedgerEntry, WriteHooks, WriteOutcome, WriteRequest } from "../sdk/writing.ts";
import type { Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { droppedCode, GroupJob } from "./group-job.ts";
import { type Group, preparePage } from "./page.ts";
import { ignoredByTrigger, refusalOf } from "./reasons.ts";
import { literal } from "./sql.ts";
import { buildStatement, type Statement } from "./statements.ts";
import { gaveWay } from "./trade.ts";
import { inTransaction } from "./transaction.ts";

/** Built statements, by the table as it was seen, then by operation and fields. */
export type StatementCache = WeakMap<Table, Map<string, Statement>>;

/**
 * Writes the page; outcomes in the order of its records. Entries reach `hooks.enter` after the statements ran and before
 * the commit. Throws when nothing landed.
 */
export async function writePage(
  clients: Clients,
  statements: StatementCache,
  table: Table,
  request: WriteRequest,
  hooks: WriteHooks,
): Promise<WriteOutcome[]> {
  const { operation, records, signal } = request;
  signal.throwIfAborted();
  const { groups, failures } = preparePage(clients.access.name, table, operation, request.match, records);
  const outcomes: WriteOutcome[] = new Array(records.length);
  for (const [index, failure] of failures) outcomes[index] = { outcome: "failed", failure };
  if (groups.length === 0) return outcomes;
  const planned = groups.map((group) => ({ group, statement: statementFor(statements, table, request, group) }));
  const indexed = planned.every(({ statement }) => statement.guarded);
  const single = indexed && records.length === 1;
  const { defers } = table;
  await inTransaction(clients, table.table, { signal, indexed, single, defers, hooks }, async (transaction) => {
    if (!indexed && operation === "upsert") await transaction.query(takeTurns(table), []);
    const entries: LedgerEntry[] = [];
    for (const { group, statement } of planned) {
      const job = new GroupJob({ table, request, group, statement }, transaction, outcomes);
      const columns = group.places.map((place) => place.column);
      await transaction.bisect(group.rows, (rows) => job.run(rows), {
        refused: (row, cause) =>
          job.fail(
            row,
            (cause as { code?: string }).code === droppedCode
              ? ignoredByTrigger(table)
              : refusalOf(table, cause, records[row]!.values, columns),
          ),
        gaveWay: (cause) => gaveWay(table, cause, [...entries, ...job.entries.values()]),
        together: (refused) => job.trades(refused),
      });
      entries.push(...job.entries.values());
    }
    return entries.sort((a, b) => a.index - b.index);
  });
  return outcomes;
}

/** Nothing in the table keeps two writers from both creating the same record, so they take turns. */
const takeTurns = (table: Table) =>
  `SELECT pg_advisory_xact_lock(hashtextextended(${literal(`plumbline:${table.oid}`)}, 0))`;

function statementFor(
  cache: StatementCache,
  table: Table,
  { operation, match }: WriteRequest,
  group: Group,
): Statement {
  const known = cache.get(table) ?? new Map<string, Statement>();
  cache.set(table, known);
  const fields = group.places.map((place) => place.column.name);
  const key = JSON.stringify([operation, match, fields, group.cannotCreate !== null, group.exact]);
  let statement = known.get(key);
  if (!statement) {
    if (known.size > 200) known.clear(); // ragged records could make one per combination of fields
    statement = buildStatement(table, operation, group);
    known.set(key, statement);
  }
  return statement;
}
