/** Records that were sent before and not answered for good: adopted when they landed, sent again where that is safe, else given up. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { OpenEntry } from "../ports.ts";
import type { Ended } from "../steps/define-step.ts";
import { followUp, mayDiffer } from "./open-entries.ts";
import type { PageWork } from "./page.ts";
import { type Entered, openEntry } from "./write-answers.ts";
import { type Item, mayHaveArrived, OUTCOME_OF, placed, type WritePlace } from "./write-site.ts";

/**
 * Ends records that an earlier try landed for sure. What the source has changed since is sent after it, as a change of its own: the
 * run's position moves beyond it, so no other run would see it. (An insert is one record, whatever became of it.)
 *
 * @param sure the entries are of these very values
 */
export function adoptOpen(site: WritePlace, chunk: Item[], work: PageWork, ended: Ended[], sure?: "as sent"): Item[] {
  if (work.open.size === 0 && !site.passed?.keys) return chunk;
  return chunk.filter((item) => {
    let open = work.open.claim(site.step, item.write);
    while (open?.state === "done") {
      const next = work.open.claim(site.step, { key: open.key, idempotencyKey: followUp(open.idempotencyKey) });
      if (!next && (sure || site.write.operation === "insert" || !hasChanged(site, item, open, work))) {
        ended.push({ origin: item.origin, outcome: outcomeOf(item, open), record: item.record });
        return false;
      }
      item.landed ??= open; // the first says whether the record is new
      item.write = { ...item.write, idempotencyKey: followUp(open.idempotencyKey) };
      open = next;
    }
    if (!open && site.passed?.take(site.step, item.write.key)) {
      ended.push({ origin: item.origin, outcome: "duplicate", record: item.record });
      return false;
    }
    if (!open) return true;
    // sent before a crash, and neither a receipt nor reading back tells whether it arrived
    if (repeatsHarmlessly(site, open)) {
      // an idempotency key belongs to what was sent under it, also when the source has changed since
      const again = site.write.info?.idempotencyKeys === true && open.operation === "create" && open.after !== null;
      if (again) {
        if (site.write.operation !== "insert" && mayDiffer(open, wantedBy(site, item), false))
          item.wanted = item.write.values;
        item.write = { ...item.write, values: open.after as JsonRecord };
      }
      return true;
    }
    endInDoubt(site, item, open, work, ended);
    return false;
  });
}

const wantedBy = ({ write }: WritePlace, item: Item) => ({
  operation: write.operation,
  values: item.wanted ?? item.write.values,
});

function hasChanged(site: WritePlace, item: Item, landed: OpenEntry, work: PageWork): boolean {
  return work.open.isOutdated(landed) || mayDiffer(landed, wantedBy(site, item), site.write.info?.readBack === true);
}

/** What was sent before has landed now: what is wanted since follows. */
export function wantedNow({ wanted, ...item }: Item): Item {
  const { write } = item;
  return { ...item, write: { ...write, values: wanted as JsonRecord, idempotencyKey: followUp(write.idempotencyKey) } };
}

/** What became of a record in all: one that was created and then changed was created. */
export const outcomeOf = ({ landed }: Item, last: Pick<OpenEntry, "operation">) =>
  OUTCOME_OF[landed?.operation === "create" ? "create" : last.operation];

function endInDoubt(
  site: WritePlace,
  { origin, record }: Item,
  open: OpenEntry,
  work: PageWork,
  ended: Ended[],
  answer?: FailureInfo,
) {
  work.fixes.push({ ...open.address, key: open.key, landed: true, unknown: true });
  ended.push({ origin, outcome: "dead", record, failure: mayHaveArrived(site, answer) });
}

/** Waiting for the target is over. What was sent before and never answered may be there all the same. */
export function giveUp(site: WritePlace, item: Item, failure: FailureInfo, work: PageWork, ended: Ended[]): void {
  const open = work.open.get(site.step, item.write.idempotencyKey);
  if (open?.state === "sending") endInDoubt(site, item, open, work, ended, failure);
  else ended.push({ origin: item.origin, outcome: "dead", record: item.record, failure: placed(site, failure) });
}

/** Whether sending a change once more has no further effect, should it have arrived before: the sink knows it again. */
function repeatsHarmlessly({ write }: WritePlace, { operation, identity }: OpenEntry): boolean {
  if (write.info?.effect !== "once") return false;
  if (write.info.idempotencyKeys || operation !== "create" || write.operation === "upsert") return true;
  return write.info.readBack && Object.keys(identity).length > 0;
}

/** A page's records, at most, that may be to blame where the target takes all others. */
const FEW = 10;

/**
 * Gives up records that the target fails inside at, while it takes others: they must not hold up their neighbours. Returns the rest.
 *
 * @param lone those it failed at before it took others
 */
export function withoutFaulty(
  site: WritePlace,
  pending: Item[],
  lone: ReadonlyMap<Item, FailureInfo>,
  last: FailureInfo,
  work: PageWork,
  ended: Ended[],
): Item[] {
  // where nothing was sent after them: these few alone, again and again, though all others of the page are there
  const few =
    last.ofRecord !== undefined &&
    last.kind === "transient" &&
    site.blamesFew?.() === true &&
    pending.length <= FEW &&
    ended.some(({ outcome }) => outcome !== "dead");
  return pending.filter((item) => {
    const failure = lone.get(item) ?? (few ? last : undefined);
    if (failure) giveUp(site, item, failure.ofRecord ?? failure, work, ended);
    return failure === undefined;
  });
}

/**
 * It failed after it had been sent: sent again it does no harm, but until then it may be there. Returns false where sending it
 * again would do harm, or the connector knows better.
 */
export function keepOpen(site: WritePlace, item: Item, entered: Entered, work: PageWork): boolean {
  const { key, idempotencyKey } = item.write;
  if (work.open.get(site.step, idempotencyKey)) return false; // the entry before stands for the change
  const open = openEntry(item, entered, work, "sending");
  if (!repeatsHarmlessly(site, open)) return false;
  work.open.set(open);
  work.fixes.push({ ...entered.address, key, landed: true, unknown: true });
  return true;
}

/** Sent again under the same idempotency key: this entry stands for the change now, not the one before the crash. */
export function supersede(site: WritePlace, idempotencyKey: string, work: PageWork): void {
  if (work.open.size === 0) return;
  const before = work.open.get(site.step, idempotencyKey);
  if (!before) return;
  work.fixes.push({ ...before.address, key: before.key, landed: false });
  work.open.delete(site.step, idempotencyKey);
}
