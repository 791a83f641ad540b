/** What became of the parts a write call entered: answers that are kept at once, calls that threw, and a hold that was lost. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import type { LedgerEntry, WriteOutcome } from "../../connectors/sdk/writing.ts";
import type { LedgerFix, OpenEntry, PartAddress } from "../ports.ts";
import { PageInterrupted, type PageWork } from "./page.ts";
import type { Item, WriteSite } from "./write-site.ts";

/** An entry of a write call, as it stands in the ledger. */
export type Entered = { address: PartAddress; entry: LedgerEntry; receipt: Json | undefined };

/** An entry of this attempt as a later try of the record finds it. */
export function openEntry(
  { origin, write: { key, idempotencyKey } }: Item,
  { address, entry }: Pick<Entered, "address" | "entry">,
  { keyOf }: PageWork,
  state: OpenEntry["state"],
): OpenEntry {
  return { ...entry, key, idempotencyKey, sourceKey: keyOf(origin), undo: "possible", address, state };
}

/**
 * Where nobody can find out later what arrived, the answers are kept at once: a crash then leaves in doubt only what was
 * under way.
 */
export async function keepAnswers(
  site: WriteSite,
  items: Item[],
  outcomes: WriteOutcome[],
  entered: Map<number, Entered>,
): Promise<void> {
  const { settleParts } = site.ports.store;
  if (site.write.info?.effect !== "at-least-once" || !settleParts) return;
  const parts = new Map<number, { address: PartAddress; landed: boolean }>();
  const doubtful = new Set<number>();
  const fixes: LedgerFix[] = [];
  for (const [index, { address }] of entered) {
    const outcome = outcomes[index]?.outcome;
    parts.set(address.part, { address, landed: true });
    if (outcome === "unknown" || outcome === undefined) doubtful.add(address.part);
    else if (outcome === "failed" || outcome === "unchanged")
      fixes.push({ ...address, key: (items[index] as Item).write.key, landed: false });
  }
  const known = [...parts.values()].filter(({ address }) => !doubtful.has(address.part));
  await settleParts(
    known,
    fixes.filter(({ part }) => !doubtful.has(part)),
  );
}

/** The hold was lost in the middle of a call: which answers came, and which parts nobody knows about. */
export function keepKnown(
  items: Item[],
  outcomes: WriteOutcome[],
  entered: Map<number, Entered>,
  work: PageWork,
): void {
  for (const [index, { address }] of entered) {
    const outcome = outcomes[index];
    const { key } = (items[index] as Item).write;
    if (!outcome || outcome.outcome === "unknown") work.unsettled.add(address.part);
    else if (outcome.outcome === "failed" && outcome.sent)
      work.fixes.push({ ...address, key, landed: true, unknown: true });
    else if (outcome.outcome === "failed" || outcome.outcome === "unchanged")
      work.fixes.push({ ...address, key, landed: false });
    else {
      const { remoteId, identity, after } = outcome;
      work.fixes.push({ ...address, key, landed: true, remoteId, identity, after });
    }
  }
}

/**
 * A write call that threw has landed wholly or not at all, and its receipt can tell. Landed entries are kept as done,
 * so that the repetition adopts them; absent ones are voided.
 */
export async function settleThrown(
  site: WriteSite,
  items: Item[],
  entered: Map<number, Entered>,
  failure: FailureInfo,
  work: PageWork,
): Promise<void> {
  const verdicts = new Map<number, "landed" | "absent" | "unknown">();
  for (const { address, receipt } of entered.values()) {
    if (verdicts.has(address.part)) continue;
    const { session } = site.connection;
    const verdict =
      receipt !== undefined && session.settle
        ? await session.settle(receipt, site.ports.signal).catch(() => "unknown" as const)
        : failure.code === "outcome-unknown"
          ? "unknown"
          : "absent";
    verdicts.set(address.part, verdict);
    // the target cannot say now: leave the part open, the next attempt asks again
    if (verdict === "unknown") {
      work.unsettled.add(address.part);
      throw new PageInterrupted(site.step, site.write.connection, failure);
    }
  }
  for (const [index, { address, entry }] of entered) {
    const item = items[index] as Item;
    if (verdicts.get(address.part) === "landed") work.open.set(openEntry(item, { address, entry }, work, "done"));
    else work.fixes.push({ ...address, key: item.write.key, landed: false });
  }
}
