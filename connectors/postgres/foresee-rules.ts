/** The table's own rules, asked of rows that are not there yet: domains, checks, unique indexes, foreign keys. */
import type pg from "pg";
import type { FailureInfo } from "../sdk/errors.ts";
import type { JsonRecord } from "../sdk/types.ts";
import type { ForeseeRequest } from "../sdk/writing.ts";
import { type Column, publicName, type Table, type UniqueIndex } from "./catalog.ts";
import { decodeRow } from "./group-job.ts";
import type { Group } from "./page.ts";
import { checkBroken, domainBroken, referenceMissing, uniqueTaken } from "./reasons.ts";
import { arrayParameter, differs, name, type Place, placeOf, relation, unnested } from "./sql.ts";
import { movable } from "./trade.ts";
import { type Row, rawQuery } from "./transaction.ts";

/** A row that a record would lead to. */
export type Draft = {
  row: number;
  creates: boolean;
  /** texts of all columns, before and after */
  was: Row;
  texts: Row;
  /** the stored row it replaces */
  place: string | null;
  /** filled by `judge`: texts as the server would store them */
  stored?: Row;
  differs?: boolean;
  failure?: FailureInfo;
};

/** Columns the judged rows carry beside the table's own; no table has such names. */
const number = name("plumbline n");
const creating = name("plumbline creates");

export class RuleBook {
  readonly #table: Table;
  readonly #request: ForeseeRequest;
  readonly #client: pg.Client;
  readonly #columns: Place[];
  /** values of unique indexes that this dry run has taken already, and by whom, by index */
  readonly #taken = new Map<string, Map<string, string>>();
  /** the value each record took, by index and record */
  readonly #holds = new Map<string, string>();
  /** stored rows that this page has changed or deleted */
  readonly #replaced = new Set<string>();
  /** owners of the records that earlier pages have changed or created */
  readonly #assumed = new Set<string>();
  /** records are known by their match, not only by their key */
  readonly #owned: boolean;

  constructor(table: Table, request: ForeseeRequest, client: pg.Client) {
    this.#table = table;
    this.#request = request;
    this.#client = client;
    this.#columns = table.columns.map(placeOf);
    this.#owned = request.operation !== "insert";
    for (const [key, record] of request.assumed ?? []) {
      if (!record) continue;
      this.#take(`earlier ${key}`, record);
      this.#assumed.add(this.#owner(key, record));
    }
  }

  /** This stored row is no longer as it is stored. */
  replace(place: string): void {
    this.#replaced.add(place);
  }

  /** Fills `stored`, `differs` and `failure` of the drafts. Throws what PostgreSQL throws for values it cannot read. */
  async judge(drafts: Draft[], group: Group): Promise<void> {
    const written = new Set(group.places.map((place) => place.column));
    const rows = drafts.map((_, at) => at);
    const columnOf = (texts: (draft: Draft) => Row, place: Place, at: number) =>
      arrayParameter(
        drafts.map((draft) => texts(draft)[at]!),
        rows,
        place.bare,
      );
    const parameters = [
      ...this.#columns.map((place, at) => columnOf((draft) => draft.texts, place, at)),
      ...this.#columns.map((place, at) => columnOf((draft) => draft.was, place, at)),
      `{${drafts.map((draft) => (draft.creates ? "t" : "f")).join(",")}}`,
    ];
    const source = this.#rows(written);
    await this.#values(drafts, source, parameters, written, group);
    for (const index of this.#table.uniques) await this.#unique(drafts, index, source, parameters);
    await this.#references(drafts, source, parameters);
    for (const draft of drafts) {
      if (draft.failure) continue;
      if (draft.place) this.#replaced.add(draft.place);
      this.#take(`row ${draft.row}`, decodeRow(this.#columns, draft.stored!, 0));
    }
  }

  /** `WITH … g` of the rows as they would be stored: defaults filled in, computed columns computed. */
  #rows(written: Set<Column>): string {
    const flag: Place = { ...this.#columns[0]!, sent: "boolean[]", cast: "", bare: true };
    const width = this.#columns.length;
    const plain = this.#columns.map(({ column }, at) => {
      const value = `i.c${at}::${column.full}`;
      const fills = !written.has(column) && column.defaultSql !== null && !hasEffects(column.defaultSql);
      return `${fills ? `CASE WHEN i.c${2 * width} THEN (${column.defaultSql})::${column.full} ELSE ${value} END` : value} AS ${name(column.name)}`;
    });
    const olds = this.#columns.map((_, at) => `i.c${width + at} AS ${name(`plumbline o${at}`)}`);
    const computed = this.#columns.filter(({ column }) => column.generatedSql !== null);
    const kept = this.#columns.filter(({ column }) => column.generatedSql === null);
    const again = [
      ...kept.map(({ column }) => name(column.name)),
      ...computed.map(({ column }) => `(${column.generatedSql})::${column.full} AS ${name(column.name)}`),
      ...olds.map((_, at) => name(`plumbline o${at}`)),
    ];
    return `WITH i AS (${unnested([...this.#columns, ...this.#columns, flag], 1, "c")}),
r AS (SELECT i.n AS ${number}, i.c${2 * width} AS ${creating}, ${[...plain, ...olds].join(", ")} FROM i),
g AS (SELECT ${number}, ${creating}, ${again.join(", ")} FROM r)`;
  }

  async #values(
    drafts: Draft[],
    source: string,
    parameters: string[],
    written: Set<Column>,
    group: Group,
  ): Promise<void> {
    const set = group.places.slice(group.matching);
    const changes = set.map(({ column }) =>
      differs(column, `g.${name(column.name)}`, `g.${name(`plumbline o${this.#table.columns.indexOf(column)}`)}`),
    );
    const domains = [...written].flatMap(
      (column) => column.domain?.checks.map((check) => ({ column, check, domain: column.domain!.name })) ?? [],
    );
    const questions = [
      ...domains.map(({ column, check }) => `(SELECT (${check.sql}) FROM (SELECT g.${name(column.name)} AS value) d)`),
      ...this.#table.checks.map((check) => `(${check.sql})`),
    ];
    const shown = this.#columns.map(({ column }) => `g.${name(column.name)}`);
    const text = `${source} SELECT ${[number, `(${[creating, ...changes].join(" OR ")})`, ...questions, ...shown].join(", ")} FROM g`;
    for (const row of await rawQuery(this.#client, text, parameters)) {
      const draft = drafts[Number(row[0]) - 1]!;
      draft.differs = row[1] === "t";
      draft.stored = row.slice(2 + questions.length);
      if (!draft.differs) continue;
      const broken = questions.findIndex((_, at) => row[2 + at] === "f");
      if (broken < 0) continue;
      const hit = domains[broken];
      draft.failure = hit
        ? domainBroken(this.#table, hit.domain, hit.check.name, [...written])
        : checkBroken(this.#table, this.#table.checks[broken - domains.length]!.name, this.#brought(draft));
    }
  }

  async #unique(drafts: Draft[], index: UniqueIndex, source: string, parameters: string[]): Promise<void> {
    const { match: matched } = this.#request;
    if (this.#owned && index.columns?.every((column) => matched.includes(column))) return;
    const keys = index.keys.map((key, at) => `(${key}) AS k${at}`).join(", ");
    const where = index.predicate === null ? "" : ` AND (${index.predicate})`;
    const same = index.keys
      .map((key, at) => `(${key}) ${index.nullsEqual ? "IS NOT DISTINCT FROM" : "="} g.k${at}`)
      .join(" AND ");
    const match = this.#columns.filter(({ column }) => this.#owned && matched.includes(column.name));
    const owner = match.map(({ column }) => `, ${name(column.name)}`).join("");
    const text = `${source} SELECT g.n, t.* FROM (SELECT ${number} AS n, ${keys} FROM g WHERE true${where}) g
      JOIN LATERAL (SELECT tableoid || '/' || ctid${owner} FROM ${relation(this.#table)} WHERE ${same}${where}) t ON true`;
    const held = new Map<Draft, string>();
    for (const [n, place, ...texts] of await rawQuery(this.#client, text, parameters)) {
      const draft = drafts[Number(n) - 1]!;
      if (draft.failure || !draft.differs || place === draft.place || this.#replaced.has(place!)) continue;
      if (this.#owned && this.#assumed.has(this.#owner("", decodeRow(match, texts, 0)))) continue;
      held.set(draft, place!);
    }
    for (const draft of stuck(this.#table, index, drafts, held))
      draft.failure = uniqueTaken(this.#table, index.name, this.#brought(draft));
    const values = await this.#indexed(drafts, index, source, parameters);
    for (const [at, draft] of drafts.entries()) {
      if (draft.failure || !draft.differs) continue;
      const owner = this.#owner(`row ${draft.row}`, decodeRow(this.#columns, draft.stored!, 0));
      const taken = this.#taken.get(index.name)?.get(values[at] ?? "");
      if (taken !== undefined && taken !== owner)
        draft.failure = uniqueTaken(this.#table, index.name, this.#brought(draft));
      else this.#takeValue(index, owner, values[at]);
    }
  }

  /** Each draft's values for the index as text; what is partial or an expression is computed by the server. */
  async #indexed(
    drafts: Draft[],
    index: UniqueIndex,
    source: string,
    parameters: string[],
  ): Promise<(string | undefined)[]> {
    if (index.columns && index.predicate === null)
      return drafts.map((draft) => uniqueText(index, decodeRow(this.#columns, draft.stored!, 0)));
    const found: (string | undefined)[] = drafts.map(() => undefined);
    const keys = index.keys.map((key) => `(${key})::text`).join(", ");
    const text = `${source} SELECT ${number}, ${keys} FROM g WHERE ${index.predicate ?? "true"}`;
    for (const [n, ...texts] of await rawQuery(this.#client, text, parameters))
      if (index.nullsEqual || !texts.includes(null)) found[Number(n) - 1] = JSON.stringify(texts);
    return found;
  }

  async #references(drafts: Draft[], source: string, parameters: string[]): Promise<void> {
    for (const key of this.#table.foreignKeys) {
      const filled = key.columns.map((column) => `g.${name(column)} IS NOT NULL`).join(" AND ");
      const same = key.columns.map((column, at) => `f.${name(key.refers[at]!)} = g.${name(column)}`).join(" AND ");
      const text = `${source} SELECT g.${number} FROM g WHERE ${filled} AND NOT EXISTS (SELECT FROM ${relation(key)} f WHERE ${same})`;
      const self = publicName(key, "") === publicName(this.#table, "");
      const missing = await this.#allowed(text, parameters);
      for (const [n] of missing) {
        const draft = drafts[Number(n) - 1]!;
        if (draft.failure || !draft.differs) continue;
        const values = this.#brought(draft);
        if (
          self &&
          this.#inPage(
            drafts,
            key.refers,
            key.columns.map((column) => values[column]),
          )
        )
          continue;
        draft.failure = referenceMissing(this.#table, key.name, values);
      }
    }
  }

  /** A user who may not read the other table cannot be told; the server will judge then. */
  async #allowed(text: string, parameters: string[]): Promise<Row[]> {
    await this.#client.query("SAVEPOINT reference");
    try {
      return await rawQuery(this.#client, text, parameters);
    } catch (error) {
      if ((error as { code?: string }).code !== "42501") throw error;
      await this.#client.query("ROLLBACK TO reference");
      return [];
    }
  }

  #inPage(drafts: Draft[], fields: string[], values: unknown[]): boolean {
    const wanted = JSON.stringify(values);
    const same = (record: JsonRecord) => JSON.stringify(fields.map((field) => record[field])) === wanted;
    if (drafts.some((draft) => !draft.failure && same(decodeRow(this.#columns, draft.stored!, 0)))) return true;
    for (const record of this.#request.assumed?.values() ?? []) if (record && same(record)) return true;
    return false;
  }

  /** The values a message may quote: those the record brought. */
  #brought(draft: Draft): JsonRecord {
    return this.#request.records[draft.row]!.values;
  }

  #take(own: string, record: JsonRecord): void {
    for (const index of this.#table.uniques)
      this.#takeValue(index, this.#owner(own, record), uniqueText(index, record));
  }

  /** What makes two records of the dry run the same one: its match; of inserts none are. */
  #owner(own: string, record: JsonRecord): string {
    const { match } = this.#request;
    return !this.#owned ? own : JSON.stringify(match.map((field) => record[field] ?? null));
  }

  #takeValue(index: UniqueIndex, owner: string, text: string | undefined): void {
    if (text === undefined) return;
    const taken = this.#taken.get(index.name) ?? new Map<string, string>();
    const held = this.#holds.get(`${index.name}\0${owner}`);
    if (held !== undefined && taken.get(held) === owner) taken.delete(held);
    this.#holds.set(`${index.name}\0${owner}`, text);
    taken.set(text, owner);
    this.#taken.set(index.name, taken);
  }
}

/**
 * Drafts whose value of the index stays with the row that holds it. A row that is to give the value up does so first, and
 * rows that hold each other's values trade them (trade.ts).
 *
 * @param held the stored row that holds what the draft is to get
 */
function stuck(table: Table, index: UniqueIndex, drafts: Draft[], held: Map<Draft, string>): Set<Draft> {
  const found = new Set<Draft>();
  if (held.size === 0) return found;
  const at = (column: Column) => table.columns.indexOf(column);
  const changed = (draft: Draft) => (field: string) =>
    table.columns.some((column) => column.name === field && draft.was[at(column)] !== draft.stored![at(column)]);
  const leaving = new Map<string, Draft>();
  for (const draft of drafts) {
    const gives = index.columns === null || index.columns.some(changed(draft));
    if (draft.place && draft.differs && !draft.failure && gives) leaving.set(draft.place, draft);
  }
  const next = (draft: Draft) => leaving.get(held.get(draft) ?? "");
  for (const draft of held.keys()) {
    const way = new Set<Draft>();
    let last: Draft | undefined = draft;
    for (let one: Draft | undefined = draft; one && held.has(one) && !way.has(one); one = next(one)) {
      way.add(one);
      last = next(one);
    }
    const ring = last && way.has(last);
    if (last === undefined || (ring && !movable(table, index, changed(draft)))) found.add(draft);
  }
  return found;
}

/** The record's values for the index as text; undefined where it guards nothing. */
function uniqueText(index: UniqueIndex, record: JsonRecord): string | undefined {
  if (!index.columns || index.predicate !== null) return undefined;
  const values = index.columns.map((column) => record[column] ?? null);
  return values.includes(null) && !index.nullsEqual ? undefined : JSON.stringify(values);
}

/** A default that counts up a sequence, or calls a function of the database's own, is not evaluated in a dry run. */
const hasEffects = (sql: string) => /\b(nextval|setval)\b|\w\.\w+"?\(/.test(sql);
