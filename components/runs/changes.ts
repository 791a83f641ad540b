/** The changes of a run as lines of a table: key, field, old → new. Pure. */
import type { ChangeItem } from "../../server/trpc/contract/runs.ts";

export type ChangeLine = {
  id: string;
  change: ChangeItem;
  /** the first line of its change; others only add a field */
  first: boolean;
  /** lines this change has when it is open */
  fields: number;
  field: string | null;
  before: unknown;
  after: unknown;
};

/**
 * An update shows all its fields; a created or deleted record is one line, until it is opened.
 * @param open ids of created and deleted records that are opened
 */
export function changeLines(changes: ChangeItem[], open: ReadonlySet<string>): ChangeLine[] {
  return changes.flatMap((change) => {
    const fields = changedFields(change);
    const base = { change, fields: fields.length };
    if (change.operation !== "update" && !open.has(change.id)) {
      return [{ ...base, id: change.id, first: true, field: null, before: change.before, after: change.after }];
    }
    const shown = fields.length === 0 ? [null] : fields;
    return shown.map((field, index) => ({
      ...base,
      id: `${change.id} ${field ?? ""}`,
      first: index === 0,
      field,
      before: field === null ? null : change.before?.[field],
      after: field === null ? null : change.after?.[field],
    }));
  });
}

/** Fields in the order of the record after; those only the old one had come last. */
function changedFields({ before, after }: ChangeItem): string[] {
  return [...new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])];
}

/** A record in one line: “number 10482 · customer Ana · net 12.50”. */
export function recordLine(record: { [field: string]: unknown } | null, most = 4): string {
  if (!record) return "";
  const entries = Object.entries(record).filter(([, value]) => value !== null && value !== "");
  const said = entries
    .slice(0, most)
    .map(([field, value]) => `${field} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  const left = entries.length - said.length;
  return left > 0 ? `${said.join(" · ")} · ${left} more` : said.join(" · ");
}
