/** Runs a group's statement on some of its rows and turns the answer into outcomes and ledger entries. */
import type { FailureInfo } from "../sdk/errors.ts";
import type { JsonRecord } from "../sdk/types.ts";
import type { LedgerEntry, WriteOutcome, WriteRequest } from "../sdk/writing.ts";
import { parseArray } from "./arrays.ts";
import { keysOf, primaryKey, type Table } from "./catalog.ts";
import { keptValue } from "./kept.ts";
import type { Group } from "./page.ts";
import { ambiguous, notFound } from "./reasons.ts";
import { arrayParameter, name, type Place, placeOf, relation, unnested } from "./sql.ts";
import { Kind, type Statement } from "./statements.ts";
import { isTaken, type Ring, ringsAmong, setAside, type Trader } from "./trade.ts";
import type { Row, Transaction } from "./transaction.ts";

const created: WriteOutcome = { outcome: "created" };
const updated: WriteOutcome = { outcome: "updated" };
const deleted: WriteOutcome = { outcome: "deleted" };
const unchanged: WriteOutcome = { outcome: "unchanged" };

/** Tells `bisect` that the server took rows and kept none, as if it had refused them. */
export const droppedCode = "PLT00";
export const dropped = () =>
  Object.assign(new Error("a trigger drops the row"), { severity: "ERROR", code: droppedCode });

/** Columns 0 to 2 of an answer's row are its kind, `n` and a count. */
const first = 3;

/** What a statement says it created: a line each, or their number and the one key that the database made of each. */
type Made = { count: number; lines: Row[]; keys: string[] };

export class GroupJob {
  readonly entries = new Map<number, LedgerEntry>();
  readonly #table: Table;
  readonly #request: WriteRequest;
  readonly #group: Group;
  readonly #statement: Statement;
  readonly #transaction: Transaction;
  readonly #outcomes: WriteOutcome[];

  constructor(
    parts: { table: Table; request: WriteRequest; group: Group; statement: Statement },
    transaction: Transaction,
    outcomes: WriteOutcome[],
  ) {
    this.#table = parts.table;
    this.#request = parts.request;
    this.#group = parts.group;
    this.#statement = parts.statement;
    this.#transaction = transaction;
    this.#outcomes = outcomes;
  }

  fail(row: number, failure: FailureInfo): void {
    this.entries.delete(row);
    this.#outcomes[row] = { outcome: "failed", failure };
  }

  /** Outcomes of earlier tries with the same rows are replaced. */
  async run(rows: number[]): Promise<void> {
    for (let tries = 0; tries < 3; tries++) {
      if (tries > 0) await this.#transaction.restart();
      for (const row of rows) this.entries.delete(row);
      if (await this.#settle(rows)) return;
    }
    throw dropped();
  }

  /** Rows among those refused that hold each other's unique values: their values are set aside, then they are written. */
  async trades(refused: ReadonlyMap<number, unknown>): Promise<{ rows: number[]; work(): Promise<void> }[]> {
    const taken = [...refused].flatMap(([row, cause]) => (isTaken(cause) ? [row] : []));
    if (taken.length < 2 || this.#group.matching === 0) return [];
    const rings = await ringsAmong(this.#transaction, this.#table, await this.#traders(taken), refused);
    return rings.map((ring) => {
      const rows = ring.traders.map(({ row }) => row);
      return { rows, work: () => this.#trade(ring, rows) };
    });
  }

  async #trade(ring: Ring, rows: number[]): Promise<void> {
    const aside = await setAside(this.#transaction, this.#table, ring);
    await this.run(rows);
    const { codec, column } = placeOf(ring.column);
    for (const { row, held } of aside) {
      const { before } = this.entries.get(row) ?? {};
      if (before) before[column.name] = held === null ? null : keptValue(codec, held);
    }
  }

  /** The stored rows these records are about, with what each is to hold. */
  async #traders(rows: number[]): Promise<Trader[]> {
    const { places, matching, values } = this.#group;
    const match = places.slice(0, matching);
    const on = match.map((place, at) => `t.${name(place.column.name)} = i.c${at}`).join(" AND ");
    const text = `WITH i AS (${unnested(match, 1, "c")}) SELECT i.n, t.tableoid::text, t.ctid::text FROM i JOIN ${relation(this.#table)} t ON ${on}`;
    const parameters = match.map((place, at) => arrayParameter(values[at]!, rows, place.bare));
    const found = await this.#transaction.query(text, parameters);
    return found.map(([n, rel, tid]) => {
      const row = rows[Number(n) - 1]!;
      const wanted = places
        .slice(matching)
        .map((place, at) => [place.column.name, values[matching + at]![row]!] as const);
      return { row, rel: rel!, tid: tid!, wanted: Object.fromEntries(wanted) };
    });
  }

  /** False when someone else created one of the rows meanwhile (or a trigger drops it): the piece must begin anew. */
  async #settle(rows: number[]): Promise<boolean> {
    let pending = rows;
    for (let round = 0; round < 3; round++) {
      const unsettled = await this.#once(pending);
      if (unsettled === undefined) return false;
      if (unsettled.length === 0) return true;
      pending = unsettled; // changed by someone since our look; a new statement sees them as they are now
    }
    throw dropped();
  }

  async #once(rows: number[]): Promise<number[] | undefined> {
    const { places, values } = this.#group;
    const parameters = places.map((place, at) => arrayParameter(values[at]!, rows, place.bare));
    const answer = await this.#transaction.query(this.#statement.text, parameters, this.#statement.name);
    return this.#read(rows, answer);
  }

  /** What the statement's answer says of the rows: those to ask for again, or undefined as `#settle` has it. */
  #read(rows: number[], answer: Row[]): number[] | undefined {
    const found = new Uint8Array(rows.length);
    const unsettled: number[] = [];
    const made: Made = { count: 0, lines: [], keys: [] };
    for (const line of answer) {
      const kind = line[0];
      if (kind === Kind.created) {
        made.lines.push(line);
        made.count++;
        continue;
      }
      if (kind === Kind.allCreated) {
        made.count = Number(line[1]);
        if (line[2]) made.keys = parseArray(line[2], (text) => text) as string[];
        continue;
      }
      const n = Number(line[1]) - 1;
      const row = rows[n]!;
      found[n] = 1;
      if (kind === Kind.unchanged) this.#outcomes[row] = unchanged;
      else if (kind === Kind.updated) this.#updated(row, line);
      else if (kind === Kind.deleted) this.#deleted(row, line);
      else if (kind === Kind.unsettled) unsettled.push(row);
      else if (kind === Kind.ambiguous) this.fail(row, this.#ambiguous(row, Number(line[2])));
    }
    const open = rows.filter((_, n) => found[n] === 0);
    if (!this.#creates()) for (const row of open) this.#absent(row);
    else {
      if (made.count !== open.length) return undefined;
      for (let at = 0; at < open.length; at++) this.#created(open[at]!, made.lines[at], made.keys[at]);
    }
    return unsettled;
  }

  #creates(): boolean {
    const { operation } = this.#request;
    return operation === "insert" || (operation === "upsert" && this.#group.cannotCreate === null);
  }

  #absent(row: number): void {
    const { operation, match, records } = this.#request;
    if (operation === "delete") this.#outcomes[row] = unchanged;
    else this.fail(row, this.#group.cannotCreate ?? notFound(this.#table, match, records[row]!.values));
  }

  #ambiguous(row: number, count: number): FailureInfo {
    return ambiguous(this.#table, this.#request.match, this.#request.records[row]!.values, count);
  }

  /** @param line what was stored of it; or `key`, where only a key was made and that came with all others */
  #created(row: number, line: Row | undefined, key: string | undefined): void {
    const { old, stored } = this.#statement;
    const after = this.#group.exact ? this.#sent(row) : {};
    if (line) decodeInto(after, stored, line, first + old.length, keptValue);
    else if (key !== undefined) decodeInto(after, stored, [key], 0, keptValue);
    const names = this.#request.operation === "insert" ? identityOf(this.#table, after) : this.#request.match;
    this.entries.set(row, { index: row, operation: "create", identity: picked(after, names), before: null, after });
    this.#outcomes[row] = created;
  }

  #sent(row: number): JsonRecord {
    const { places, values } = this.#group;
    const record: JsonRecord = {};
    for (let at = 0; at < places.length; at++) {
      const text = values[at]![row]!;
      record[places[at]!.column.name] = text === null ? null : keptValue(places[at]!.codec, text);
    }
    return record;
  }

  #updated(row: number, line: Row): void {
    const { places, matching, values, exact } = this.#group;
    const before: JsonRecord = {};
    const after: JsonRecord = {};
    const identity: JsonRecord = {};
    const oldFrom = first;
    const newFrom = first + places.length - matching;
    let differences = 0;
    for (let at = 0; at < places.length; at++) {
      const { column, codec } = places[at]!;
      const now = exact ? values[at]![row]! : line[newFrom + at]!;
      if (at < matching) {
        identity[column.name] = now === null ? null : codec.decode(now);
        continue;
      }
      const was = line[oldFrom + at - matching]!;
      if (was === now) continue;
      const old = was === null ? null : keptValue(codec, was);
      const next = now === null ? null : keptValue(codec, now);
      if (old === next) continue; // char(n) fills up with blanks
      differences++;
      before[column.name] = old;
      after[column.name] = next;
    }
    // A trigger that puts the old values back leaves nothing to tell.
    this.#outcomes[row] = differences === 0 ? unchanged : updated;
    if (differences > 0) this.entries.set(row, { index: row, operation: "update", identity, before, after });
  }

  #deleted(row: number, line: Row): void {
    const before = keptRow(this.#statement.old, line, first);
    const identity = picked(before, this.#request.match);
    this.entries.set(row, { index: row, operation: "delete", identity, before, after: null });
    this.#outcomes[row] = deleted;
  }
}

export function decodeRow(places: Place[], line: Row, from: number): JsonRecord {
  return decodeInto({}, places, line, from, (codec, raw) => codec.decode(raw));
}

/** The same as the ledger keeps it. */
export function keptRow(places: Place[], line: Row, from: number): JsonRecord {
  return decodeInto({}, places, line, from, keptValue);
}

function decodeInto(
  record: JsonRecord,
  places: Place[],
  line: Row,
  from: number,
  decode: typeof keptValue,
): JsonRecord {
  for (let at = 0; at < places.length; at++) {
    const { column, codec } = places[at]!;
    const raw = line[from + at]!;
    record[column.name] = raw === null ? null : decode(codec, raw);
  }
  return record;
}

/** Fields that find an inserted record again: primary key, else a unique one it fills, else all that was written. */
export function identityOf(table: Table, stored: JsonRecord): string[] {
  const primary = primaryKey(table);
  if (primary.length > 0) return primary;
  const filled = (names: string[]) => names.every((name) => stored[name] !== undefined && stored[name] !== null);
  return keysOf(table).find(filled) ?? Object.keys(stored);
}

export function picked(record: JsonRecord, names: string[]): JsonRecord {
  const part: JsonRecord = {};
  for (const name of names) part[name] = record[name] ?? null;
  return part;
}
