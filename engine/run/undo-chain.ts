/**
 * A preview of an undo, for records a run changed more than once. Really undoing puts back the newest change first, so an
 * older one finds the record as it was in between; a preview writes nothing and has to think the newer ones away.
 */
import type { JsonRecord, UndoOutcome } from "../../connectors/sdk/types.ts";
import type { UndoRow } from "./execute-undo.ts";

type Change = Pick<UndoRow, "operation" | "before" | "after">;
/** A change that would be put back: `after` in the values the target has now; `gone`: the target's state says nothing. */
type Foreseen = Change & { gone: boolean };

/** Knows, while a preview goes from new to old, what of each record would be put back already. */
export class UndoChain {
  readonly #newer = new Map<string, Foreseen>();

  /** The row as it compares with the target now, or its outcome where the target cannot tell. */
  aim(row: UndoRow): { row: UndoRow } | { outcome: UndoOutcome } {
    const newer = this.#newer.get(placeOf(row));
    if (!newer) return { row };
    if (newer.gone || newer.operation !== "update" || row.operation === "delete") {
      if (!leadsTo(row, newer)) return { row };
      return { outcome: { outcome: "restored", entry: inverse(row) } };
    }
    const after: JsonRecord = { ...row.after };
    for (const [field, value] of Object.entries(newer.before ?? {}))
      if (field in after && same(after[field], value)) after[field] = newer.after?.[field] ?? null;
    return { row: { ...row, after } };
  }

  /** @param aimed the row as `aim` gave it; undefined when `aim` gave the outcome */
  note(row: UndoRow, aimed: UndoRow | undefined, outcome: UndoOutcome): void {
    if (outcome.outcome !== "restored" || !row.olderFollows) this.#newer.delete(placeOf(row));
    else {
      const { operation, before } = row;
      this.#newer.set(placeOf(row), { operation, before, after: (aimed ?? row).after, gone: aimed === undefined });
    }
  }
}

const placeOf = ({ step, connection, sink, key }: UndoRow) => JSON.stringify([step, connection.id, sink, key]);

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
