/** The dry run of a write: reads what is there, lays the page over it, and judges the rows that would come of it. */
import type pg from "pg";
import type { FailureInfo } from "../sdk/errors.ts";
import type { JsonRecord } from "../sdk/types.ts";
import type { Foreseen, ForeseeRequest } from "../sdk/writing.ts";
import { readOnly, type Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { stillReferred } from "./foresee-referrers.ts";
import { type Draft, RuleBook } from "./foresee-rules.ts";
import { decodeRow, identityOf, picked } from "./group-job.ts";
import { type Group, preparePage } from "./page.ts";
import { ambiguous, notFound, refusalOf } from "./reasons.ts";
import { Refusal } from "./refusal.ts";
import { arrayParameter, name, type Place, placeOf, relation, unnested } from "./sql.ts";
import { type Row, rawQuery, ShapeChanged } from "./transaction.ts";

/** A row as raw texts by column; null: there is none. `place` tells the stored row apart from others. */
type Current = { texts: Row; place: string | null } | null;

/** Outcomes and reasons as `writePage` would give them. Runs in a read-only transaction; triggers are not foreseen. */
export async function foreseePage(clients: Clients, table: Table, request: ForeseeRequest): Promise<Foreseen[]> {
  const { operation, records, signal, match } = request;
  signal.throwIfAborted();
  const { groups, failures } = preparePage(clients.access.name, table, operation, match, records);
  const foreseen: Foreseen[] = new Array(records.length);
  for (const [index, failure] of failures) foreseen[index] = { outcome: "failed", failure };
  if (groups.length === 0) return foreseen;
  await clients.use(async (client) => {
    const stop = () => void clients.cancel(client);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT piece");
      const rules = new RuleBook(table, request, client);
      const changed = new Map<string, Current>();
      for (const group of groups)
        await new GroupForesight(table, request, group, client, rules, changed, foreseen).run();
      await client.query("ROLLBACK");
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (shapeChanged(error)) throw new ShapeChanged(error);
      throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  });
  return foreseen;
}

class GroupForesight {
  readonly #table: Table;
  readonly #request: ForeseeRequest;
  readonly #group: Group;
  readonly #client: pg.Client;
  readonly #rules: RuleBook;
  /** what earlier records of this page leave behind, by match */
  readonly #changed: Map<string, Current>;
  readonly #foreseen: Foreseen[];
  readonly #columns: Place[];

  constructor(
    table: Table,
    request: ForeseeRequest,
    group: Group,
    client: pg.Client,
    rules: RuleBook,
    changed: Map<string, Current>,
    foreseen: Foreseen[],
  ) {
    this.#table = table;
    this.#request = request;
    this.#group = group;
    this.#client = client;
    this.#rules = rules;
    this.#changed = changed;
    this.#foreseen = foreseen;
    this.#columns = table.columns.map(placeOf);
  }

  async run(): Promise<void> {
    const { operation, records, match } = this.#request;
    const { rows, matching, cannotCreate } = this.#group;
    const stored = matching > 0 ? await this.#stored() : new Map<number, Current[]>();
    const referred = operation === "delete" ? await this.#referred(stored) : new Map<number, FailureInfo>();
    const drafts: Draft[] = [];
    for (const row of rows.toSorted((a, b) => a - b)) {
      const found = stored.get(row) ?? [];
      if (found.length > 1) {
        this.#fail(row, ambiguous(this.#table, match, records[row]!.values, found.length));
        continue;
      }
      const current = this.#current(row, found[0] ?? null);
      if (operation === "delete" && current?.place && referred.has(row)) this.#fail(row, referred.get(row)!);
      else if (operation === "delete") this.#delete(row, current);
      else if (current)
        drafts.push({
          row,
          creates: false,
          was: current.texts,
          texts: this.#laid(row, current.texts),
          place: current.place,
        });
      else if (operation === "update") this.#fail(row, notFound(this.#table, match, records[row]!.values));
      else if (cannotCreate) this.#fail(row, cannotCreate);
      else drafts.push({ row, creates: true, was: this.#blank(), texts: this.#laid(row, this.#blank()), place: null });
    }
    await this.#judge(drafts);
  }

  #referred(stored: Map<number, Current[]>): Promise<Map<number, FailureInfo>> {
    const rows = [...stored].flatMap(([row, [found]]): [number, Row][] => (found ? [[row, found.texts]] : []));
    return stillReferred(this.#client, this.#table, new Map(rows));
  }

  /** Stored rows by the record that matches them. */
  async #stored(): Promise<Map<number, Current[]>> {
    const { places, matching, rows, values } = this.#group;
    const match = places.slice(0, matching);
    const on = match.map((place, at) => `t.${name(place.column.name)} = i.c${at}`).join(" AND ");
    const columns = this.#columns.map((place) => `t.${name(place.column.name)}`);
    const text = `WITH i AS (${unnested(match, 1, "c")}) SELECT i.n, t.tableoid || '/' || t.ctid, ${columns.join(", ")} FROM i JOIN ${relation(this.#table)} t ON ${on}`;
    const parameters = match.map((place, at) => arrayParameter(values[at]!, rows, place.bare));
    const found = new Map<number, Current[]>();
    for (const [n, place, ...texts] of await rawQuery(this.#client, text, parameters)) {
      const row = rows[Number(n) - 1]!;
      const list = found.get(row) ?? [];
      list.push({ texts, place: place! });
      found.set(row, list);
    }
    return found;
  }

  #matchOf(row: number): string {
    return JSON.stringify(this.#group.values.slice(0, this.#group.matching).map((column) => column[row]));
  }

  /** What the target would hold now: stored, then what the dry run assumed, then what this page did before. */
  #current(row: number, stored: Current): Current {
    if (this.#group.matching > 0 && this.#changed.has(this.#matchOf(row)))
      return this.#changed.get(this.#matchOf(row))!;
    const { assumed, records, operation } = this.#request;
    if (operation === "insert") return null;
    const known = assumed?.get(records[row]!.key);
    if (known === undefined) return stored;
    if (stored?.place) this.#rules.replace(stored.place);
    if (known === null) return null;
    const texts = [...(stored?.texts ?? this.#blank())];
    for (const [at, { column, codec }] of this.#columns.entries()) {
      const value = known[column.name];
      if (value === undefined) continue;
      const text = value === null ? null : codec.encode(value);
      if (!(text instanceof Refusal)) texts[at] = text;
    }
    return { texts, place: stored?.place ?? null };
  }

  #blank(): Row {
    return new Array<string | null>(this.#columns.length).fill(null);
  }

  /** The row's texts with what the record writes. */
  #laid(row: number, texts: Row): Row {
    const laid = [...texts];
    for (const [at, { column }] of this.#group.places.entries())
      laid[this.#table.columns.indexOf(column)] = this.#group.values[at]![row]!;
    return laid;
  }

  #delete(row: number, current: Current): void {
    if (!current) {
      this.#foreseen[row] = { outcome: "unchanged" };
      return;
    }
    const before = decodeRow(this.#columns, current.texts, 0);
    this.#foreseen[row] = { outcome: "deleted", identity: picked(before, this.#request.match), before, after: null };
    this.#changed.set(this.#matchOf(row), null);
    if (current.place) this.#rules.replace(current.place);
  }

  #fail(row: number, failure: FailureInfo): void {
    this.#foreseen[row] = { outcome: "failed", failure };
  }

  /** Judges the drafts together; what PostgreSQL cannot even read is found by halving. */
  async #judge(drafts: Draft[]): Promise<void> {
    if (drafts.length === 0) return;
    const written = this.#group.places.map((place) => place.column);
    try {
      await this.#rules.judge(drafts, this.#group);
      await this.#client.query("RELEASE piece; SAVEPOINT piece");
    } catch (error) {
      const { code = "", severity } = error as { code?: string; severity?: string };
      if (severity === undefined || !/^(22|23)/.test(code)) throw error;
      await this.#client.query("ROLLBACK TO piece");
      const [only] = drafts;
      if (drafts.length === 1)
        return this.#fail(only!.row, refusalOf(this.#table, error, this.#request.records[only!.row]!.values, written));
      const half = drafts.length >> 1;
      await this.#judge(drafts.slice(0, half));
      await this.#judge(drafts.slice(half));
      return;
    }
    for (const draft of drafts) this.#conclude(draft);
  }

  #conclude(draft: Draft): void {
    const { row, creates, was } = draft;
    if (draft.failure) {
      this.#fail(row, draft.failure);
      return;
    }
    const texts = draft.stored!;
    const after: JsonRecord = {};
    const before: JsonRecord = {};
    for (const [at, { column, codec }] of this.#columns.entries()) {
      const writes = this.#group.places.findIndex((place) => place.column === column);
      if (writes < 0 || (!creates && (writes < this.#group.matching || texts[at] === was[at]))) continue;
      before[column.name] = was[at] === null ? null : codec.decode(was[at]!);
      after[column.name] = texts[at] === null ? null : codec.decode(texts[at]!);
    }
    const same = !creates && (!draft.differs || Object.keys(after).length === 0);
    const whole = decodeRow(this.#columns, texts, 0);
    if (this.#group.matching > 0) this.#changed.set(this.#matchOf(row), { texts, place: draft.place });
    if (same) this.#foreseen[row] = { outcome: "unchanged" };
    else if (creates) {
      const key = this.#request.operation === "insert" ? identityOf(this.#table, after) : this.#request.match;
      const known = key.filter(
        (field) =>
          !readOnly(this.#table.columns.find((column) => column.name === field)!) && after[field] !== undefined,
      );
      this.#foreseen[row] = {
        outcome: "created",
        identity: picked(after, known.length > 0 ? known : Object.keys(after)),
        before: null,
        after,
      };
    } else this.#foreseen[row] = { outcome: "updated", identity: picked(whole, this.#request.match), before, after };
  }
}
