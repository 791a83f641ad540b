/** Puts rows back as the ledger knows them; a row changed since is a conflict. */
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { JsonRecord } from "../sdk/types.ts";
import type { LedgerEntry, UndoOutcome, UndoRecord, UndoRequest, WriteHooks } from "../sdk/writing.ts";
import { Finder, rowKey, tableFor, textOf } from "./edit.ts";
import { withLock } from "./lock.ts";
import { prepare } from "./save.ts";
import { changesOf, type Place } from "./write.ts";

type Texts = { [column: string]: string };
type State = { line?: number; now: Texts | null };
type Restored = { entry: Omit<LedgerEntry, "index"> };

export async function undoRows(
  { folder, settings }: Place,
  request: UndoRequest,
  hooks: WriteHooks,
): Promise<UndoOutcome[]> {
  const { sink, records, signal, preview } = request;
  signal.throwIfAborted();
  const path = folder.pathFor(sink);
  await folder.files();
  const work = async () => {
    const columns = [...new Set(records.flatMap(({ before, after }) => Object.keys(before ?? after ?? {})))];
    const table = await tableFor(folder, settings, sink, columns);
    const finder = new Finder();
    for (const { identity } of records) finder.want(identity, Object.keys(identity));
    await finder.run(table, signal);
    const byLine = new Map<number, State>();
    const added = new Map<string, State>();
    const touched = new Set<State>();
    const outcomes = records.map((record): UndoOutcome => {
      const names = Object.keys(record.identity);
      const key = JSON.stringify(names) + rowKey(names, record.identity);
      const states = finder.found(record.identity, names).map(({ line, values }) => {
        const state = byLine.get(line) ?? { line, now: values };
        byLine.set(line, state);
        return state;
      });
      const open = states.filter((state) => state.now !== null);
      const whole = record.operation === "create" && names.length === Object.keys(record.after ?? {}).length;
      if (open.length > 1 && !whole) return { outcome: "failed", failure: ambiguous(sink, record, open.length).info };
      const state = open.at(-1) ?? added.get(key) ?? states.at(-1) ?? { now: null };
      if (state.line === undefined) added.set(key, state);
      const missing = Object.keys(record.before ?? {}).find((name) => !table.columns.includes(name));
      if (missing !== undefined) return { outcome: "failed", failure: columnGone(sink, missing).info };
      const done = inverse(record, state, whole, request.force);
      if (!("entry" in done)) return done;
      touched.add(state);
      return { outcome: "restored", entry: done.entry };
    });
    const entries = outcomes.flatMap((one, index) =>
      one.outcome === "restored" && one.entry ? [{ index, ...one.entry }] : [],
    );
    if (preview || entries.length === 0) return outcomes;
    const prepared = await prepare(table, changesOf(touched), signal);
    try {
      await hooks.enter(entries, prepared.receipt);
      await prepared.commit();
    } finally {
      await prepared.discard();
    }
    return outcomes;
  };
  return preview ? work() : withLock(path, signal, work);
}

function inverse(
  { operation, identity, before, after }: UndoRecord,
  state: State,
  whole: boolean,
  force: boolean,
): Restored | UndoOutcome {
  const { now } = state;
  const asBefore: UndoOutcome = { outcome: "restored", entry: null };
  if (operation === "create") {
    // A row found by all its values cannot be told from one that was changed since.
    if (now === null && whole && !force)
      return {
        outcome: "conflict",
        now: null,
        message: "No row has these values any more: it was changed or removed since.",
      };
    if (now === null) return asBefore;
    const changed = differing(after ?? {}, now);
    if (changed.length > 0 && !force) return conflict(changed, after ?? {}, now);
    state.now = null;
    return { entry: { operation: "delete", identity, before: now, after: null } };
  }
  const wanted = textsOf(before ?? {});
  if (operation === "update") {
    if (now === null)
      return {
        outcome: "conflict",
        now: null,
        message: "The row was removed since; its old values have nowhere to go.",
      };
    if (differing(wanted, now).length === 0) return asBefore;
    const changed = differing(after ?? {}, now);
    if (changed.length > 0 && !force) return conflict(changed, after ?? {}, now);
    state.now = { ...now, ...wanted };
    return { entry: { operation: "update", identity, before: pick(now, Object.keys(wanted)), after: wanted } };
  }
  if (now === null) {
    state.now = wanted;
    return { entry: { operation: "create", identity, before: null, after: wanted } };
  }
  const changed = differing(wanted, now);
  if (changed.length === 0) return asBefore;
  if (!force)
    return {
      outcome: "conflict",
      now,
      message: `The removed row is there again, with another "${changed[0]}".`,
      fields: changed,
    };
  state.now = { ...now, ...wanted };
  return { entry: { operation: "update", identity, before: pick(now, changed), after: pick(wanted, changed) } };
}

const differing = (wanted: JsonRecord, now: Texts) =>
  Object.keys(wanted).filter((name) => textOf(wanted[name]) !== (now[name] ?? ""));
const textsOf = (values: JsonRecord): Texts =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value)]));
const pick = (values: Texts, names: string[]): Texts =>
  Object.fromEntries(names.map((name) => [name, values[name] ?? ""]));

function conflict(changed: string[], after: JsonRecord, now: Texts): UndoOutcome {
  const names = changed.map((name) => `"${name}"`).join(", ");
  return {
    outcome: "conflict",
    now: pick(now, Object.keys(after)),
    message: `Changed since by someone else: ${names}.`,
    fields: changed,
  };
}

const ambiguous = (sink: string, { identity }: UndoRecord, count: number) =>
  new IntegrationError(
    `File ${quote(sink)} has ${count} rows with ${JSON.stringify(identity)}; it is not clear which one to put back.`,
    { kind: "rejected", code: "ambiguous" },
  );

const columnGone = (sink: string, column: string) =>
  new IntegrationError(`File ${quote(sink)} has no column "${column}" any more, so the old values have no place.`, {
    kind: "rejected",
    code: "unknown-column",
    field: column,
  });
