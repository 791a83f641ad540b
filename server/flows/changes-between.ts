import { diffFlows } from "../../engine/flow/diff.ts";
import { readDraft } from "../../engine/flow/read-draft.ts";

/** What differs from one document to a later one, in sentences; of a first version nothing. */
export function changesBetween(before: unknown, after: unknown): string[] {
  if (before === undefined || before === null) return [];
  return diffFlows(readDraft(before).flow, readDraft(after).flow).map(({ what }) => what);
}
