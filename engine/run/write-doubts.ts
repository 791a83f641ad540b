/** Records that were sent before and not answered for good: adopted when they landed, sent again where that is safe, else given up. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { OpenEntry } from "../ports.ts";
import type { Ended } from "../steps/define-step.ts";
import { openKey, type PageWork } from "./page.ts";
import type { Entered } from "./write-answers.ts";
import { type Item, OUTCOME_OF, placed, type WritePlace } from "./write-site.ts";

/** Records that an earlier try of this page landed for sure, and whose repetition the target could not recognise. */
export function adoptOpen(site: WritePlace, chunk: Item[], work: PageWork, ended: Ended[]): Item[] {
  if (work.open.size === 0) return chunk;
  return chunk.filter((item) => {
    const open = work.open.get(openKey(site.step, item.write.idempotencyKey));
    if (!open) return true;
    if (open.state === "done") {
      ended.push({ origin: item.origin, outcome: OUTCOME_OF[open.operation], record: item.record });
      return false;
    }
    // sent before a crash, and neither a receipt nor reading back tells whether it arrived
    if (repeatsHarmlessly(site, open)) {
      // an idempotency key belongs to what was sent under it, also when the source has changed since; the next run sees that
      const again = site.write.info?.idempotencyKeys === true && open.operation === "create" && open.after !== null;
      if (again) item.write = { ...item.write, values: open.after as JsonRecord };
      return true;
    }
    mayHaveArrived(site, item, open, work, ended);
    return false;
  });
}

function mayHaveArrived(
  site: WritePlace,
  { origin, record }: Item,
  open: OpenEntry,
  work: PageWork,
  ended: Ended[],
  answer?: FailureInfo,
) {
  work.fixes.push({ ...open.address, key: open.key, landed: true, unknown: true });
  const said = answer === undefined ? "" : `${answer.message} `;
  const message = `${said}${site.write.connection} was sent this record before, and cannot say whether it arrived. Look it up there: dismiss this if it is there, replay it if it is not.`;
  const failure: FailureInfo = { kind: "rejected", code: "may-have-arrived", message };
  ended.push({ origin, outcome: "dead", record, failure: placed(site, failure) });
}

/** Waiting for the target is over. What was sent before and never answered may be there all the same. */
export function giveUp(site: WritePlace, item: Item, failure: FailureInfo, work: PageWork, ended: Ended[]): void {
  const open = work.open.get(openKey(site.step, item.write.idempotencyKey));
  if (open?.state === "sending") mayHaveArrived(site, item, open, work, ended, failure);
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
export function keepOpen(
  site: WritePlace,
  { origin, write }: Item,
  { address, entry }: Entered,
  work: PageWork,
): boolean {
  const id = openKey(site.step, write.idempotencyKey);
  if (work.open.has(id)) return false; // the entry before stands for the change
  const { key, idempotencyKey } = write;
  const sourceKey = work.keyOf(origin);
  const open: OpenEntry = {
    ...{ ...entry, key, idempotencyKey, sourceKey, address },
    ...{ undo: "possible", state: "sending" },
  };
  if (!repeatsHarmlessly(site, open)) return false;
  work.open.set(id, open);
  work.fixes.push({ ...address, key, landed: true, unknown: true });
  return true;
}

/** Sent again under the same idempotency key: this entry stands for the change now, not the one before the crash. */
export function supersede(site: WritePlace, idempotencyKey: string, work: PageWork): void {
  if (work.open.size === 0) return;
  const id = openKey(site.step, idempotencyKey);
  const before = work.open.get(id);
  if (!before) return;
  work.fixes.push({ ...before.address, key: before.key, landed: false });
  work.open.delete(id);
}
