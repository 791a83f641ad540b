/**
 * Several writes of one record, folded into one change: what it takes to put the record back to what it was before the
 * first of them. Pure.
 */
import { sameValue } from "../../connectors/sdk/json.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ChangedBetween, RowId, UndoRow } from "./execute-undo.ts";

/** A ledger row as it is folded. `unknown`: nobody could find out whether it arrived. */
export type LedgerChange = UndoRow & { state: "done" | "unknown" };

type Change = Pick<UndoRow, "operation" | "before" | "after">;
/**
 * What the writes so far amount to; `none`: the record was not there before them and is not there after them. `anew`: it
 * was made anew by one of them and holds nothing of what it held before that.
 */
type Net = (Change | { operation: "none"; before: null; after: null }) & { anew?: boolean };

type Folding = {
  newest: LedgerChange;
  net: Net;
  undoable: boolean;
  covered: RowId[];
  beyond: RowId[];
  /** what all of it would amount to, had nobody changed the record in between; what was left before they did */
  behind?: { net: Net; wrote: JsonRecord | null };
};

/**
 * @param rows what was written to one record, newest first
 * @param force fold also over what somebody changed in between
 * @param more older rows of the record follow on another page
 * @returns what is to be put back, in this order: mostly one row, none when the writes amount to nothing, several when one
 * may not have arrived, which only the target can tell
 */
export function foldChanges(rows: LedgerChange[], { force, more }: { force: boolean; more: boolean }): UndoRow[] {
  const folded: UndoRow[] = [];
  let open: Folding | null = null;
  const close = () => {
    const row = open && asRow(open);
    if (row) folded.push(row);
    open = null;
  };
  for (const row of rows) {
    if (open === null) open = begin(row);
    else if (open.behind) goBehind(open, row);
    else if (row.state === "done" || trace(open.net, row) === "arrived") add(open, row, force);
    else if (trace(open.net, row) === "open") {
      close();
      open = begin(row);
    }
    if (open?.newest === row && row.state === "unknown") close();
  }
  close();
  return folded.map((row, at) =>
    more || at < folded.length - 1 ? { ...row, olderFollows: true, partOfRecord: true } : row,
  );
}

function begin(row: LedgerChange): Folding {
  return { newest: row, net: row, undoable: row.undoable, covered: [], beyond: [] };
}

const idOf = ({ id, of }: LedgerChange): RowId => ({ id, ...(of === undefined ? {} : { of }) });

function add(open: Folding, row: LedgerChange, force: boolean): void {
  const { net, broken } = compose(open.net, row);
  if (broken && !force) {
    open.behind = { net: open.net, wrote: row.after };
    goBehind(open, row);
    return;
  }
  open.net = net;
  open.covered.push(idOf(row));
  open.undoable &&= row.undoable;
}

function goBehind(open: Folding, row: LedgerChange): void {
  open.beyond.push(idOf(row));
  if (open.behind && row.state === "done") open.behind.net = compose(open.behind.net, row).net;
}

function between({ net, behind }: Folding): ChangedBetween | null {
  if (!behind) return null;
  const now = finds(net) ? net.before : null;
  const fields = Object.keys(behind.wrote ?? {}).filter(
    (field) => now !== null && field in now && !sameValue(behind.wrote?.[field], now[field]),
  );
  return { wrote: behind.wrote, now, old: behind.net.before, fields };
}

function asRow(folding: Folding): UndoRow | null {
  const { newest, net, undoable, covered, beyond } = folding;
  const change = essence(net);
  if (!change && beyond.length === 0) return null;
  const { state: _, ...row } = newest;
  return {
    ...row,
    ...(change ?? { operation: "update", before: {}, after: {}, nothing: true }),
    undoable: undoable || !change,
    ...(covered.length > 0 ? { covered } : {}),
    ...(beyond.length > 0 ? { beyond, between: between(folding) } : {}),
  };
}

/** What the older and the newer change amount to together; `broken`: the newer did not find what the older had left. */
function compose(newer: Net, older: Change): { net: Net; broken: boolean } {
  const broken = leaves(older) !== finds(newer) || (leaves(older) && !continues(newer, older));
  const gone = newer.operation === "none" || newer.operation === "delete";
  const anew = newer.anew || newer.operation === "create";
  const after = gone ? null : anew ? newer.after : { ...older.after, ...newer.after };
  if (older.operation === "create")
    return { net: gone ? NOTHING : { operation: "create", before: null, after, anew }, broken };
  const before = { ...newer.before, ...older.before };
  return { net: { operation: gone ? "delete" : "update", before, after, anew }, broken };
}

const NOTHING: Net = { operation: "none", before: null, after: null };

const leaves = ({ operation }: Change) => operation !== "delete";
const finds = ({ operation }: Net) => operation === "update" || operation === "delete";

/** Whether the newer change found each field as the older one had left it. Fields only one of them names do not count. */
function continues({ before }: Net, { after }: Change): boolean {
  const found = before ?? {};
  return Object.entries(after ?? {}).every(([field, value]) => !(field in found) || sameValue(value, found[field]));
}

/** Whether the newer change shows that the one in doubt had arrived before it. */
function trace(newer: Net, doubtful: Change): "arrived" | "absent" | "open" {
  if (leaves(doubtful) !== finds(newer)) return "absent";
  if (doubtful.operation !== "update") return "arrived";
  const found = newer.before ?? {};
  const told = Object.entries(doubtful.after ?? {}).filter(
    ([field, value]) => field in found && !sameValue(value, doubtful.before?.[field]),
  );
  if (told.length === 0) return "open";
  return told.every(([field, value]) => sameValue(value, found[field])) ? "arrived" : "absent";
}

/** Without the fields that are again what they were; null when nothing is left. */
function essence(net: Net): Change | null {
  if (net.operation === "none") return null;
  const { operation, before, after } = net;
  if (operation !== "update") return { operation, before, after };
  const kept = Object.keys(before ?? {}).filter(
    (field) => !after || !(field in after) || !sameValue(before?.[field], after[field]),
  );
  if (kept.length === 0) return null;
  return { operation, before: part(before, kept), after: part(after, kept) };
}

function part(record: JsonRecord | null, fields: string[]): JsonRecord {
  const held = record ?? {};
  return Object.fromEntries(fields.filter((field) => field in held).map((field) => [field, held[field] ?? null]));
}
