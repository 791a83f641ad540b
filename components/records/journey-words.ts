/** The journey of a record in words. Pure. */
import type { JourneyItem } from "../../server/trpc/contract/runs.ts";

const outcomes: { [outcome: string]: string } = {
  created: "Created",
  updated: "Updated",
  deleted: "Deleted",
  unchanged: "Already as it should be",
  filtered: "Filtered out",
  duplicate: "Left out as a duplicate",
  dead: "Failed",
  held: "Held back",
  joined: "Joined into a group",
  published: "Published as an event",
  waited: "Its wait is over",
  unknown: "Sent; its arrival is being found out",
  dismissed: "Dismissed",
  resolved: "Replayed and done",
};

/** Followed by who it was. */
const decisions: { [word: string]: string } = {
  approved: "Approved",
  declined: "Declined",
  cancelled: "Its wait was cancelled",
};

/** “Updated”, “Put back: created again” … */
export function journeyWords({ event, outcome }: Pick<JourneyItem, "event" | "outcome">): string {
  if (event === "undone") {
    const back: { [outcome: string]: string } = {
      deleted: "Put back: it had been created, so it was deleted",
      created: "Put back: created again",
      updated: "Put back to its old values",
    };
    return back[outcome] ?? "Put back";
  }
  if (event === "decided") return outcomes[outcome] ?? outcome.replace(/^\w+/, (word) => decisions[word] ?? word);
  return outcomes[outcome] ?? outcome;
}

/** The fields worth showing: of an update old and new, of anything else the values. */
export function journeyFields({ before, after }: Pick<JourneyItem, "before" | "after">) {
  const changed = Boolean(before && after);
  const names = Object.keys(after ?? before ?? {});
  return names.map((field) => ({ field, before: before?.[field], after: (after ?? before)?.[field], changed }));
}
