/**
 * A preview of an undo, for records a run changed more than once. Really undoing puts back the newest change first, so an
 * older one finds the record as it was in between; a preview writes nothing and has to think the newer ones away.
 */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { UndoOutcome } from "../../connectors/sdk/writing.ts";
import type { UndoRow } from "./execute-undo.ts";

type Change = Pick<UndoRow, "operation" | "before" | "after">;
/** A change that would be put back: `after` in the values the target has now; `gone`: the target's state says nothing. */
type Foreseen = Change & { gone: boolean };

/** Knows, while a preview goes from new to old, what of each record would be put back already. */
export class UndoChain {
  readonly #newer = new Map<string, Foreseen>();
  readonly #force: boolean;

  /** @param force what somebody changed in between is overwritten */
  constructor(force: boolean) {
    this.#force = force;
  }

  /** The row as it compares with the target now, or its outcome where the target cannot tell. */
  aim(row: UndoRow): { row: UndoRow } | { outcome: UndoOutcome } {
    const newer = this.#newer.get(placeOf(row));
    if (!newer) return { row };
    if (!leadsTo(row, newer)) return this.#changedBetween(row, newer);
    if (newer.gone || newer.operation !== "update" || row.operation === "delete")
      return { outcome: { outcome: "restored", entry: inverse(row) } };
    return { row: asNow(row, newer) };
  }

  /** Once the newer change is put back, the record is not as the older one left it: somebody changed it in between. */
  #changedBetween(row: UndoRow, newer: Foreseen): { row: UndoRow } | { outcome: UndoOutcome } {
    const found = newer.operation === "create" ? null : (newer.before ?? {});
    const asBefore =
      found === null
        ? row.operation === "create"
        : row.operation !== "create" &&
          Object.entries(row.before ?? {}).every(([field, value]) => field in found && same(value, found[field]));
    if (asBefore) return { outcome: { outcome: "restored", entry: null } };
    if (this.#force && found !== null) return { row: asNow(row, newer) };
    return { outcome: { outcome: "conflict", now: found, message: CHANGED_BEFORE } };
  }

  /** @param aimed the row as `aim` gave it; undefined when `aim` gave the outcome */
  note(row: UndoRow, aimed: UndoRow | undefined, outcome: UndoOutcome): void {
    const place = placeOf(row);
    const known = this.#newer.get(place);
    if (outcome.outcome !== "restored" || !row.olderFollows) {
      this.#newer.delete(place);
      return;
    }
    if (outcome.entry === null && !(aimed && known)) return; // it had not arrived, or is as before already
    const { operation, before } = row;
    this.#newer.set(place, {
      operation,
      before: before && { ...(operation === "update" ? known?.before : null), ...before },
      after: { ...(aimed ?? row).after, ...known?.after },
      gone: aimed === undefined,
    });
  }
}

const CHANGED_BEFORE = "Somebody changed this record before it was changed again.";

const placeOf = ({ step, connection, sink, key }: UndoRow) => JSON.stringify([step, connection.id, sink, key]);

/** The older change with what it wrote in the values the target has now. */
function asNow(row: UndoRow, newer: Foreseen): UndoRow {
  const after: JsonRecord = { ...row.after };
  for (const [field, value] of Object.entries(newer.before ?? {}))
    if (field in after && same(after[field], value)) after[field] = newer.after?.[field] ?? null;
  return { ...row, after };
}

/** Whether the older change left the record as the newer one found it. */
function leadsTo(older: Change, newer: Change): boolean {
  if ((older.operation === "delete") !== (newer.operation === "create")) return false;
  const found = newer.before ?? {};
  return Object.entries(older.after ?? {}).every(([field, value]) => !(field in found) || same(found[field], value));
}

function inverse({ operation, identity, before, after }: UndoRow) {
  const opposite = { create: "delete", update: "update", delete: "create" } as const;
  return { operation: opposite[operation], identity, before: after, after: operation === "create" ? null : before };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
