/** Writes a page into a file: found by match, compared, entered in the ledger, then put in place in one go. */
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { JsonRecord } from "../sdk/types.ts";
import type {
  Foreseen,
  ForeseeRequest,
  LedgerEntry,
  WriteHooks,
  WriteOutcome,
  WriteRecord,
  WriteRequest,
} from "../sdk/writing.ts";
import { Finder, rowKey, type TargetTable, tableFor, textOf } from "./edit.ts";
import { encoded } from "./encoding.ts";
import type { Folder } from "./folder.ts";
import { withLock } from "./lock.ts";
import { type Changes, prepare } from "./save.ts";
import type { CsvSettings } from "./settings.ts";

type Texts = { [column: string]: string };
/** A row while a page is planned; `now` null = gone. `line` undefined: it is not in the file yet. */
type State = { line?: number; now: Texts | null };
type Change = Omit<LedgerEntry, "index">;
type Planned = { change: Change } | { outcome: Extract<WriteOutcome, { outcome: "unchanged" | "failed" }> };
export type Place = { folder: Folder; settings: CsvSettings };

export async function writeRows(
  { folder, settings }: Place,
  request: WriteRequest,
  hooks: WriteHooks,
): Promise<WriteOutcome[]> {
  request.signal.throwIfAborted();
  const path = folder.pathFor(request.sink);
  await folder.files(); // a folder that is not there is named before a lock is tried in it
  return withLock(path, request.signal, async () => {
    const { table, planned, states } = await planPage(folder, settings, request);
    const entries = planned.flatMap((one, index) => ("change" in one ? [{ index, ...one.change }] : []));
    if (entries.length > 0) {
      const prepared = await prepare(table, changesOf(states), request.signal);
      try {
        await hooks.enter(entries, prepared.receipt);
        await prepared.commit();
      } finally {
        await prepared.discard();
      }
    }
    return planned.map(outcomeOf);
  });
}

export async function foreseeRows({ folder, settings }: Place, request: ForeseeRequest): Promise<Foreseen[]> {
  const { planned } = await planPage(folder, settings, request, request.assumed);
  return planned.map((one): Foreseen => {
    if ("outcome" in one) return one.outcome as Foreseen;
    const { operation, identity, before, after } = one.change;
    return {
      outcome: operation === "create" ? "created" : operation === "update" ? "updated" : "deleted",
      identity,
      before,
      after,
    };
  });
}

function outcomeOf(one: Planned): WriteOutcome {
  if ("outcome" in one) return one.outcome;
  const { operation, identity, after } = one.change;
  if (operation === "delete") return { outcome: "deleted", identity };
  return { outcome: operation === "create" ? "created" : "updated", identity, after: after ?? {} };
}

export function changesOf(states: Iterable<State>): Changes {
  const changes: Changes = { rows: new Map(), add: [] };
  for (const { line, now } of states) {
    if (line !== undefined) changes.rows.set(line, now);
    else if (now !== null) changes.add.push(now);
  }
  return changes;
}

async function planPage(
  folder: Folder,
  settings: CsvSettings,
  request: WriteRequest,
  assumed?: Map<string, JsonRecord | null>,
) {
  const { sink, operation, match, records, signal } = request;
  const columns = [...new Set(records.flatMap((record) => Object.keys(record.values)))];
  const table = await tableFor(folder, settings, sink, columns);
  if (operation !== "insert") assertMatch(table, match);
  const finder = new Finder();
  if (operation !== "insert") for (const { values } of records) finder.want(values, match);
  await finder.run(table, signal);
  const byKey = new Map<string, State>();
  const touched = new Set<State>();
  const planned = records.map((record): Planned => {
    const refusal = refused(table, record);
    if (refusal) return failed(refusal);
    if (operation === "insert") {
      const now = textsOf(record.values);
      touched.add({ now });
      return { change: { operation: "create", identity: now, before: null, after: now } };
    }
    const empty = match.find((name) => textOf(record.values[name]) === "");
    if (empty !== undefined)
      return failed(
        new IntegrationError(
          `File ${quote(sink)}: "${empty}" finds the row and is empty here. Map it, or give the record a value.`,
          { kind: "rejected", code: "key-missing", field: empty },
        ),
      );
    const key = rowKey(match, record.values);
    const found = finder.found(record.values, match);
    if (found.length > 1)
      return failed(
        new IntegrationError(
          `File ${quote(sink)} has ${found.length} rows with ${JSON.stringify(pick(record.values, match))} (lines ${found
            .slice(0, 5)
            .map((row) => row.line)
            .join(", ")}); it is not clear which is meant. Match by more columns.`,
          { kind: "rejected", code: "ambiguous", field: match[0] },
        ),
      );
    const held = assumed?.get(record.key);
    const state: State =
      byKey.get(key) ??
      (held !== undefined
        ? { now: held === null ? null : textsOf(held) }
        : { line: found[0]?.line, now: found[0]?.values ?? null });
    byKey.set(key, state);
    const one = planRow(request, record, state);
    if ("change" in one) touched.add(state);
    return one;
  });
  return { table, planned, states: touched };
}

function planRow({ sink, operation, match }: WriteRequest, { values }: WriteRecord, state: State): Planned {
  const texts = textsOf(values);
  const identity = pick(texts, match);
  const { now } = state;
  if (operation === "delete") {
    if (now === null) return { outcome: { outcome: "unchanged" } };
    state.now = null;
    return { change: { operation: "delete", identity, before: now, after: null } };
  }
  if (now === null) {
    if (operation === "update")
      return failed(
        new IntegrationError(
          `File ${quote(sink)} has no row with ${JSON.stringify(identity)} to update. Use "upsert" to add it.`,
          { kind: "rejected", code: "record-not-found", field: match[0] },
        ),
      );
    state.now = texts;
    return { change: { operation: "create", identity, before: null, after: texts } };
  }
  const changed = Object.keys(texts).filter((name) => texts[name] !== (now[name] ?? ""));
  if (changed.length === 0) return { outcome: { outcome: "unchanged" } };
  state.now = { ...now, ...pick(texts, changed) };
  return { change: { operation: "update", identity, before: pick(now, changed), after: pick(texts, changed) } };
}

const failed = (error: IntegrationError): Planned => ({ outcome: { outcome: "failed", failure: error.info } });
const textsOf = (values: JsonRecord): Texts =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value)]));
const pick = (values: JsonRecord, names: string[]): Texts =>
  Object.fromEntries(names.map((name) => [name, textOf(values[name])]));

function assertMatch({ file, columns, isNew }: TargetTable, match: string[]): void {
  const missing = match.find((name) => !columns.includes(name));
  if (match.length > 0 && (missing === undefined || isNew)) return;
  const message =
    missing === undefined
      ? `File ${quote(file.name)}: the step names no column that finds rows. Name one under "match".`
      : `File ${quote(file.name)} has no column "${missing}" to find rows by; it has ${columns
          .slice(0, 12)
          .map((name) => quote(name))
          .join(", ")}.`;
  throw new IntegrationError(message, { kind: "settings", code: "match-unknown", field: missing });
}

/** Why the file cannot hold these values. */
function refused(
  { file, columns, encoding, dialect }: TargetTable,
  { values }: WriteRecord,
): IntegrationError | undefined {
  for (const [name, value] of Object.entries(values)) {
    const text = textOf(value);
    const refuse = (code: string, message: string) =>
      new IntegrationError(`File ${quote(file.name)}${message}`, { kind: "rejected", code, field: name });
    if (!columns.includes(name))
      return refuse(
        "unknown-column",
        ` has no column "${name}"; its header names ${columns
          .slice(0, 12)
          .map((one) => quote(one))
          .join(", ")}. Map to one of these, or add the column to the file.`,
      );
    if (text.includes("\0"))
      return refuse("zero-byte", `, column "${name}": the value holds a zero byte, which no text file can.`);
    if (!/^utf/.test(encoding.name) && !encoded(text, encoding))
      return refuse(
        "not-in-encoding",
        ` is in ${encoding.name}, which has no place for all characters of "${name}": ${quote(text)}. Save the file in UTF-8.`,
      );
    if (dialect.quote === null && (text.includes(dialect.delimiter) || /[\r\n]/.test(text)))
      return refuse(
        "needs-quotes",
        `, column "${name}": the value holds a delimiter or line break, and "Quotes" is none.`,
      );
  }
  return undefined;
}
