/**
 * The one statement that writes a group: finds what is there, compares, changes what differs, creates what is
 * missing, and gives old and new values. Its rows are `[kind, n, many, …old, …stored]`, see `Kind`.
 */
import type { Operation } from "../sdk/types.ts";
import { primaryKey, type Table } from "./catalog.ts";
import type { Group } from "./page.ts";
import { differs, name, type Place, placeOf, relation, unnested } from "./sql.ts";

/** What a row of the answer says of input row `n` (counted from 1; absent for created ones, which come in input order). */
export const Kind = {
  unchanged: "0",
  updated: "1",
  created: "2",
  unsettled: "3",
  ambiguous: "4",
  deleted: "5",
  /** all that were created, in input order: `n` is their number, `many` the list of the keys the database made */
  allCreated: "6",
} as const;

export type Statement = {
  text: string;
  /** prepared under this name; undefined: planned anew each time, as one plan for all sizes could scan the table per row */
  name: string | undefined;
  /** at most one row can match, as an index sees to it */
  guarded: boolean;
  /** old values in the answer (update: the written fields that can change; delete: the whole record) */
  old: Place[];
  /** stored values in the answer: what was written (unless that is known, see `Group.exact`), then the key the database made */
  stored: Place[];
};

let statementCount = 0;

/** Builds the statement for groups with these places. */
export function buildStatement(table: Table, operation: Operation, group: Group): Statement {
  const { places, matching } = group;
  const target = relation(table);
  const match = places.slice(0, matching);
  const set = places.slice(matching);
  const matchNames = match.map((place) => place.column.name);
  const guarded = matching === 0 || table.uniques.some(isGuard(matchNames));
  const made = primaryKey(table).filter((field) => !places.some((place) => place.column.name === field));
  const keys = made.map((field) => placeOf(table.columns.find((column) => column.name === field)!));
  const returned = operation === "delete" || group.exact ? [] : places;
  const stored = operation === "delete" ? [] : [...returned, ...keys];
  const old = operation === "delete" ? table.columns.map(placeOf) : set;

  const t = (place: Place) => `t.${name(place.column.name)}`;
  const numbered = (list: Place[], prefix: string) => list.map((_, at) => `${prefix}${at}`);
  const blank = (list: Place[]) => list.map((place) => `NULL::${place.column.base}`);
  const answer = (kind: string, n: string, rest: string[], from: string, many = "NULL") =>
    `SELECT ${[`${kind}::int`, `${n}::int`, `${many}::text`, ...rest].join(", ")} FROM ${from}`;
  const nothing = [...blank(old), ...blank(stored)];
  // one row for all of them costs both sides a fraction of a row for each
  const gathered = returned.length === 0 && (stored.length === 0 || (stored.length === 1 && stored[0]?.bare === true));

  const withs = [`i AS (${unnested(places, 1, "c")})`];
  const answers: string[] = [];
  if (operation !== "insert") {
    const on = match.map((place, at) => `${t(place)} = i.c${at}`).join(" AND ");
    const changes =
      set.map((place, at) => differs(place.column, t(place), `i.c${matching + at}`)).join(" OR ") || "false";
    const seen = [
      "i.*",
      "t.ctid AS tid",
      "t.tableoid AS rel",
      "t.xmin AS was",
      `(${operation === "delete" ? "true" : changes}) AS d`,
    ];
    if (operation !== "delete") seen.push(...set.map((place, at) => `${t(place)} AS o${at}`));
    withs.push(`old AS (SELECT ${seen.join(", ")} FROM i JOIN ${target} t ON ${on} ORDER BY i.n)`);
    if (!guarded) withs.push("amb AS (SELECT n, count(*)::int AS many FROM old GROUP BY n HAVING count(*) > 1)");
    const clear = guarded ? "" : " AND old.n NOT IN (SELECT n FROM amb)";
    // Not locked beforehand (a third faster): `xmin` makes it compare-and-set. A row that someone changed since our look
    // is passed over and comes back as unsettled.
    const where = `t.ctid = old.tid AND t.tableoid = old.rel AND t.xmin = old.was AND old.d${clear}`;
    const acts = operation === "delete" || set.length > 0;
    if (operation === "delete") {
      const back = ["old.n AS n", ...old.map((place, at) => `${t(place)} AS o${at}`)].join(", ");
      withs.push(`done AS (DELETE FROM ${target} t USING old WHERE ${where} RETURNING ${back})`);
      answers.push(answer(Kind.deleted, "n", numbered(old, "o"), "done"));
    } else if (acts) {
      const sets = set.map((place, at) => `${name(place.column.name)} = old.c${matching + at}`).join(", ");
      const news = returned.map((place, at) => `${t(place)} AS v${at}`);
      const back = ["old.n AS n", ...set.map((_, at) => `old.o${at} AS o${at}`), ...news].join(", ");
      withs.push(`done AS (UPDATE ${target} t SET ${sets} FROM old WHERE ${where} RETURNING ${back})`);
      answers.push(
        answer(Kind.updated, "n", [...numbered(set, "o"), ...numbered(returned, "v"), ...blank(keys)], "done"),
      );
    }
    if (operation !== "delete") answers.push(answer(Kind.unchanged, "n", nothing, `old WHERE NOT d${clear}`));
    if (acts)
      answers.push(answer(Kind.unsettled, "n", nothing, `old WHERE d${clear} AND n NOT IN (SELECT n FROM done)`));
    if (!guarded) answers.push(answer(Kind.ambiguous, "n", nothing, "amb", "many"));
  }
  if (operation === "insert" || (operation === "upsert" && !group.cannotCreate)) {
    const names = places.map((place) => name(place.column.name)).join(", ");
    const absent = operation === "insert" ? "" : " WHERE n NOT IN (SELECT n FROM old)";
    const named = match.map((place) => name(place.column.name)).join(", ");
    const arbiter =
      operation === "upsert" && table.uniques.some(isArbiter(matchNames)) ? ` ON CONFLICT (${named}) DO NOTHING` : "";
    const back = stored.map((place, at) => `${name(place.column.name)} AS v${at}`).join(", ") || "1";
    const rows = `SELECT ${numbered(places, "c").join(", ")} FROM i${absent} ORDER BY n`;
    withs.push(`made AS (INSERT INTO ${target} (${names}) ${rows}${arbiter} RETURNING ${back})`);
    const list = stored.length === 0 ? "NULL" : "array_agg(v0)";
    if (gathered) answers.push(answer(Kind.allCreated, "count(*)", nothing, "made", list));
    else answers.push(answer(Kind.created, "NULL", [...blank(old), ...numbered(stored, "v")], "made"));
  }
  const text = `WITH ${withs.join(",\n")}\n${answers.join("\nUNION ALL ")}`;
  return { text, name: guarded ? `plumbline_${++statementCount}` : undefined, guarded, old, stored };
}

const sameSet = (a: string[], b: string[]) => a.length === b.length && a.every((one) => b.includes(one));

/** An index that lets at most one row match. */
const isGuard = (match: string[]) => (index: Table["uniques"][number]) =>
  index.columns !== null && index.predicate === null && index.columns.every((column) => match.includes(column));

/** An index that ON CONFLICT can name. */
const isArbiter = (match: string[]) => (index: Table["uniques"][number]) =>
  index.columns !== null && index.predicate === null && index.immediate && sameSet(index.columns, match);
