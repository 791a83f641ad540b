/** Puts ledger rows back: finds and locks what is there now, compares, restores what nobody changed since. */
import type { JsonRecord } from "../sdk/types.ts";
import type { LedgerEntry, UndoOutcome, UndoRecord, UndoRequest, WriteHooks } from "../sdk/writing.ts";
import { keysOf, readOnly, type Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { droppedCode } from "./group-job.ts";
import { ignoredByTrigger, refusalOf } from "./reasons.ts";
import { gaveWay, isTaken, ringsAmong, setAside, type Trader } from "./trade.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { type Found, findNow } from "./undo-find.ts";
import { judge, type Verdict } from "./undo-judge.ts";
import { type Restore, restoreCreated, restoreDeleted, restoreUpdated, textsToPut } from "./undo-restore.ts";

/**
 * One outcome per record. With `preview` nothing is written and `entry` is what would be entered; with `force` what was
 * changed since is restored too, as far as the before-image goes.
 */
export async function undoPage(
  clients: Clients,
  table: Table,
  request: UndoRequest,
  hooks: WriteHooks,
): Promise<UndoOutcome[]> {
  const { signal, preview, force } = request;
  const records = request.records.map((record) => settable(table, record));
  signal.throwIfAborted();
  const outcomes: UndoOutcome[] = new Array(records.length);
  if (records.length === 0) return outcomes;
  const keys = keysOf(table);
  const guarded = ({ identity }: UndoRecord) => keys.some((key) => key.every((field) => identity[field] !== undefined));
  const indexed = records.every(guarded);
  await inTransaction(clients, table.table, { signal, indexed, hooks }, async (transaction) => {
    const found = await findNow(clients.access.name, table, records, transaction, !preview);
    const verdicts = records.map((record, row) => judge(table, record, found[row]!, force));
    for (const [row, verdict] of verdicts.entries()) outcomes[row] = verdict.outcome;
    if (preview) return [];
    // Rows go before others come, so that unique values are free again.
    const restored = new Map<number, LedgerEntry>();
    for (const act of ["remove", "change", "create"] as const)
      await perform(table, records, { act, verdicts, found, transaction }, outcomes, restored);
    return [...restored.values()].sort((a, b) => a.index - b.index);
  });
  return outcomes;
}

/** The record without what the server fills in by itself: computed columns follow from others, numbered ones cannot be set again. */
function settable(table: Table, record: UndoRecord): UndoRecord {
  const own = table.columns.filter(
    record.operation === "update" ? readOnly : ({ generatedSql }) => generatedSql !== null,
  );
  if (own.length === 0) return record;
  const names = new Set(own.map((column) => column.name));
  const part = (values: JsonRecord | null) =>
    values && Object.fromEntries(Object.entries(values).filter(([field]) => !names.has(field)));
  return { ...record, before: part(record.before), after: part(record.after) };
}

type Work = { act: "remove" | "change" | "create"; verdicts: Verdict[]; found: Found[]; transaction: Transaction };

async function perform(
  table: Table,
  records: UndoRecord[],
  { act, verdicts, found, transaction }: Work,
  outcomes: UndoOutcome[],
  restored: Map<number, LedgerEntry>,
): Promise<void> {
  const rows = records.map((_, row) => row).filter((row) => verdicts[row]!.act === act);
  if (rows.length === 0) return;
  const restore: Restore = { table, records, found, transaction };
  const run = { remove: restoreCreated, change: restoreUpdated, create: restoreDeleted }[act];
  const put = async (piece: number[]) => {
    for (const entry of await run(restore, piece)) {
      const { index, ...rest } = entry;
      restored.set(index, entry);
      outcomes[index] = { outcome: "restored", entry: rest };
    }
  };
  await transaction.bisect(rows, put, {
    refused(row, cause) {
      restored.delete(row);
      const trigger = (cause as { code?: string }).code === droppedCode;
      const values = records[row]!.before ?? records[row]!.identity;
      outcomes[row] = {
        outcome: "failed",
        failure: trigger ? ignoredByTrigger(table) : refusalOf(table, cause, values, table.columns),
      };
    },
    gaveWay: (cause) => gaveWay(table, cause, restored.values()),
    together: async (refused) => (act === "change" ? await tradesOf(restore, refused, put) : []),
  });
}

/** Rows that are to get each other's unique values back: those are set aside first. */
async function tradesOf(
  restore: Restore,
  refused: ReadonlyMap<number, unknown>,
  put: (rows: number[]) => Promise<void>,
): Promise<{ rows: number[]; work(): Promise<void> }[]> {
  const { table, transaction, found } = restore;
  const taken = [...refused].flatMap(([row, cause]) => (isTaken(cause) ? [row] : []));
  if (taken.length < 2) return [];
  const traders = taken.map((row): Trader => {
    const { rel, tid } = found[row]!.rows[0]!;
    return { row, rel, tid, wanted: textsToPut(restore, row) };
  });
  return (await ringsAmong(transaction, table, traders, refused)).map((ring) => ({
    rows: ring.traders.map(({ row }) => row),
    async work() {
      for (const { row, rel, tid } of await setAside(transaction, table, ring))
        Object.assign(found[row]!.rows[0]!, { rel, tid });
      try {
        await put(ring.traders.map(({ row }) => row));
      } finally {
        for (const { row, rel, tid } of ring.traders) Object.assign(found[row]!.rows[0]!, { rel, tid });
      }
    },
  }));
}
