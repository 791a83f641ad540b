/** Decides for one ledger row: restore it, leave it as it is, or show a conflict. */
import { quote } from "../sdk/errors.ts";
import type { Json, JsonRecord } from "../sdk/types.ts";
import type { LedgerEntry, UndoOutcome, UndoRecord } from "../sdk/writing.ts";
import type { Table } from "./catalog.ts";
import type { Found } from "./undo-find.ts";

export type Verdict = {
  /** what is to be done; undefined: nothing */
  act?: "remove" | "change" | "create";
  /** the outcome so far: of a preview, or until the deed */
  outcome: UndoOutcome;
};

type Entry = Omit<LedgerEntry, "index">;
const asBefore: Verdict = { outcome: { outcome: "restored", entry: null } };

/** `force` turns conflicts into deeds where the before-image is enough for one. */
export function judge(table: Table, record: UndoRecord, { rows }: Found, force: boolean): Verdict {
  if (rows.length > 1)
    return conflict(null, `${rows.length} records of ${table.table} match, so it is not clear which one to put back.`);
  const now = rows[0]?.values;
  if (record.operation === "create") return judgeCreated(table, record, now, force);
  if (record.operation === "delete") return judgeDeleted(table, record, now, force);
  return judgeUpdated(table, record, now, force);
}

const conflict = (now: JsonRecord | null, message: string, fields?: string[]): Verdict => ({
  outcome: { outcome: "conflict", now, message, ...(fields && { fields }) },
});
const deed = (act: NonNullable<Verdict["act"]>, entry: Entry): Verdict => ({
  act,
  outcome: { outcome: "restored", entry },
});

function judgeCreated(table: Table, record: UndoRecord, now: JsonRecord | undefined, force: boolean): Verdict {
  if (!now) return asBefore;
  const after = record.after ?? {};
  const changed = differing(after, now);
  if (changed.length > 0 && !force)
    return conflict(part(now, after), changedSince(table, changed, after, now), changed);
  return deed("remove", { operation: "delete", identity: record.identity, before: now, after: null });
}

function judgeUpdated(table: Table, record: UndoRecord, now: JsonRecord | undefined, force: boolean): Verdict {
  const before = record.before ?? {};
  const after = record.after ?? {};
  if (!now) {
    const message = `The record of ${table.table} was deleted since. Only its changed fields are known, so it cannot be created again.`;
    return force
      ? { outcome: { outcome: "failed", failure: { kind: "rejected", code: "record-gone", message } } }
      : conflict(null, message);
  }
  if (Object.keys(before).length === 0) return asBefore;
  const changed = differing(after, now);
  if (changed.length > 0 && differing(before, now).length === 0) return asBefore;
  if (changed.length > 0 && !force)
    return conflict(part(now, after), changedSince(table, changed, after, now), changed);
  return deed("change", { operation: "update", identity: record.identity, before: part(now, before), after: before });
}

function judgeDeleted(table: Table, record: UndoRecord, now: JsonRecord | undefined, force: boolean): Verdict {
  const before = record.before ?? {};
  if (!now) return deed("create", { operation: "create", identity: record.identity, before: null, after: before });
  const changed = differing(before, now);
  if (changed.length === 0) return asBefore;
  if (!force)
    return conflict(
      now,
      `A record with the same key was created in ${table.table} since; it differs in ${listed(changed)}.`,
      changed,
    );
  const old: JsonRecord = {};
  for (const field of changed) old[field] = before[field] ?? null;
  return deed("change", { operation: "update", identity: record.identity, before: part(now, old), after: old });
}

function changedSince(table: Table, fields: string[], after: JsonRecord, now: JsonRecord): string {
  const gone = fields.filter((field) => !table.columns.some((column) => column.name === field));
  if (gone.length > 0)
    return `${table.table} no longer has the ${gone.length === 1 ? "field" : "fields"} ${listed(gone)}, which the run wrote, so this record cannot be as it was.`;
  const [first] = fields as [string];
  const found = `“${first}” was ${quote(after[first] ?? null)} and is now ${quote(now[first] ?? null)}`;
  return `Someone changed this record of ${table.table} since: ${found}${fields.length > 1 ? `, also changed: ${listed(fields.slice(1))}` : ""}.`;
}

const listed = (fields: string[]) => fields.map((field) => `“${field}”`).join(", ");

/** Fields of `wanted` whose value is now another one. */
const differing = (wanted: JsonRecord, now: JsonRecord) =>
  Object.keys(wanted).filter((field) => !sameJson(wanted[field] ?? null, now[field] ?? null));

function part(record: JsonRecord, like: JsonRecord): JsonRecord {
  const some: JsonRecord = {};
  for (const field of Object.keys(like)) some[field] = record[field] ?? null;
  return some;
}

/** Equal JSON, whatever the order of names (a ledger may store them in another). */
export function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, at) => sameJson(one, b[at]!));
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && sameJson(a[name]!, b[name]!));
}
