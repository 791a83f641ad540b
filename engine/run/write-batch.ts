/**
 * The write step: converts records for the sink, enters the ledger before anything is sent, and gives each record its
 * outcome. Safe to repeat: rows that an earlier attempt already landed are recognised and counted, not written again.
 */
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import type { LedgerEntry, WriteOutcome } from "../../connectors/sdk/writing.ts";
import { LeaseLost, type LedgerDraft } from "../ports.ts";
import type { Batch, Ended } from "../steps/define-step.ts";
import { foreseeChunk } from "./foresee-chunk.ts";
import { PageInterrupted, type PageWork, throwIfHalted } from "./page.ts";
import { inPageWait, sleepInPage } from "./retry.ts";
import { type Entered, keepAnswers, keepKnown, openEntry, settleThrown } from "./write-answers.ts";
import { adoptOpen, giveUp, keepOpen, outcomeOf, supersede, wantedNow, withoutFaulty } from "./write-doubts.ts";
import { addressOf, type Item, placed, requestOf, type WritePlace, type WriteSite } from "./write-site.ts";
import { toWaves } from "./write-waves.ts";

/** Records per call where a crash leaves in doubt what a call has sent. */
const DOUBTFUL_AT_ONCE = 25;

/**
 * Writes (or, in a dry run, foresees) a batch.
 *
 * @throws PageInterrupted when the target cannot take the rest now; what is known so far is in `work.fixes`
 * @throws RunHalted when the run is to stop, likewise
 * @throws LeaseLost when another attempt holds the run; the failure of our own database when that is away
 */
export async function writeBatch(site: WriteSite, batch: Batch, work: PageWork): Promise<Ended[]> {
  const ended: Ended[] = [];
  const waves = toWaves(site, batch, work, ended);
  await site.gate?.enter(work.page.number, site.step, new Set(waves[0]?.map(({ write }) => write.key)));
  const most = site.write.info?.effect === "at-least-once" ? DOUBTFUL_AT_ONCE : Number.POSITIVE_INFINITY;
  const size = Math.max(1, Math.min(most, site.write.info?.batchSize ?? 500));
  for (const wave of waves) {
    for (let from = 0; from < wave.length; from += size) {
      throwIfHalted(site.ports);
      const chunk = wave.length <= size ? wave : wave.slice(from, from + size);
      if (site.mode === "dry") await foreseeChunk(site, chunk, work, ended);
      else await writeChunk(site, chunk, work, ended);
    }
  }
  return ended;
}

/** Ends a batch whose connection cannot be opened, now that waiting for it is over. */
export function giveUpBatch(site: WritePlace, batch: Batch, failure: FailureInfo, work: PageWork): Ended[] {
  const ended: Ended[] = [];
  for (const wave of toWaves(site, batch, work, ended))
    for (const item of adoptOpen(site, wave, work, ended)) giveUp(site, item, failure, work, ended);
  return ended;
}

async function writeChunk(site: WriteSite, chunk: Item[], work: PageWork, ended: Ended[]): Promise<void> {
  let pending = adoptOpen(site, chunk, work, ended);
  /** what failed inside the target, which took others that were sent later */
  const lone = new Map<Item, FailureInfo>();
  for (let attempt = 0; pending.length > 0; attempt++) {
    site.ports.signal.throwIfAborted();
    const round = await writeRound(site, pending, attempt === 0, work, ended);
    // refused while a page before was still under way (its parent record, a unique value it gives free): asked once more; and
    // those whose source changed since they were sent
    if (round.waiting.length > 0) await writeChunk(site, round.waiting, work, ended);
    for (const [item, failure] of round.lone) lone.set(item, failure);
    pending = round.pending;
    if (pending.length === 0) return;
    throwIfHalted(site.ports);
    const failure = round.failure ?? { kind: "transient", code: "unexpected", message: "The target took no record." };
    // another try would only leave more records of which nobody knows whether they arrived
    const wait = round.onlyDoubt ? null : inPageWait(failure, attempt);
    // some were answered: the target works, so this is not one of the tries that count
    if (round.answered) attempt = -1;
    if (wait === null) {
      pending = withoutFaulty(site, pending, lone, failure, work, ended);
      if (pending.length === 0) return;
      if (!site.givesUp) throw new PageInterrupted(site.step, site.write.connection, failure);
      for (const item of pending) giveUp(site, item, failure, work, ended);
      return;
    }
    await sleepInPage(site.ports, wait * (0.75 + site.ports.random() / 2));
  }
}

/** What one write call left. */
type Round = {
  /** to be tried again */
  pending: Item[];
  waiting: Item[];
  lone: Map<Item, FailureInfo>;
  /** of the first record that was sent and failed in passing */
  failure: FailureInfo | undefined;
  /** some records have their outcome */
  answered: boolean;
  /** those that were sent were left in doubt, all of them */
  onlyDoubt: boolean;
};

async function writeRound(
  site: WriteSite,
  sent: Item[],
  first: boolean,
  work: PageWork,
  ended: Ended[],
): Promise<Round> {
  const { outcomes, thrown, entered } = await send(site, sent, work);
  const round: Round = {
    pending: [],
    waiting: [],
    lone: new Map(),
    failure: thrown,
    answered: false,
    onlyDoubt: false,
  };
  if (thrown) {
    await settleThrown(site, sent, entered, thrown, work);
    round.pending = adoptOpen(site, sent, work, ended, "as sent");
    round.answered = round.pending.length < sent.length;
    return round;
  }
  const again = first && outcomes.some(isRefusal) && (await site.gate?.earlierLanded(work.page.number)) === true;
  let heldBack: FailureInfo | undefined;
  let doubtful = false;
  for (let index = 0; index < sent.length; index++) {
    const item = sent[index] as Item;
    const outcome = outcomes[index];
    if (!outcome) throw new Error(`Connector gave ${outcomes.length} outcomes for ${sent.length} records.`);
    if (again && isRefusal(outcome)) {
      round.waiting.push(item);
      continue;
    }
    const failure = take(site, item, outcome, entered.get(index), work, ended);
    if (failure === "follows") {
      round.waiting.push(wantedNow(item));
      round.answered = true;
      continue;
    }
    if (!failure) {
      if (outcome.outcome === "unknown") doubtful = true;
      else round.answered = true;
      continue;
    }
    round.pending.push(item);
    const { lone = false, notSent = false } = outcome.outcome === "failed" ? outcome : {};
    if (lone) round.lone.set(item, failure);
    if (notSent) heldBack ??= failure;
    else round.failure ??= failure;
  }
  round.failure ??= heldBack;
  round.onlyDoubt = doubtful && !round.answered;
  await keepAnswers(site, sent, outcomes, entered);
  return round;
}

function isRefusal(outcome: WriteOutcome): boolean {
  return outcome.outcome === "failed" && outcome.failure.kind === "rejected";
}

type Sent = { outcomes: WriteOutcome[]; thrown?: FailureInfo; entered: Map<number, Entered> };

async function send(site: WriteSite, items: Item[], work: PageWork): Promise<Sent> {
  const entered = new Map<number, Entered>();
  /** the ledger refused: the hold is lost, or our own database is away. That is no failure of the target. */
  let own: Error | undefined;
  const undo = site.write.info?.undo === "none" ? "not possible" : "possible";
  const draftOf = ({ operation, identity, before, after, remoteId }: LedgerEntry, { origin, write }: Item) => {
    const { key, idempotencyKey } = write;
    const sourceKey = work.keyOf(origin);
    const draft: LedgerDraft = { operation, identity, before, after, key, sourceKey, idempotencyKey, undo, origin };
    if (remoteId !== undefined) draft.remoteId = remoteId;
    return draft;
  };
  const enter = async (entries: LedgerEntry[], receipt?: Json) => {
    if (entries.length === 0) return;
    const address = addressOf(site, work);
    const drafts = entries.map((entry) => draftOf(entry, items[entry.index] as Item));
    if (work.open.size > 0) for (const { key } of drafts) work.open.outdate(site.step, key);
    try {
      await site.ports.store.enter(address, drafts, receipt);
    } catch (error) {
      if (error instanceof LeaseLost || (error instanceof Error && site.ports.isOutage(error))) own = error;
      throw error;
    }
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] as LedgerEntry;
      // a second entry for one record (a create that turned out to be an update) replaces the first
      const earlier = entered.get(entry.index);
      if (earlier) work.fixes.push({ ...earlier.address, key: (items[entry.index] as Item).write.key, landed: false });
      entered.set(entry.index, { address, entry, receipt });
    }
  };
  try {
    const outcomes = await site.connection.session.write(requestOf(site, items), { enter });
    if (own) {
      keepKnown(items, outcomes, entered, work);
      throw own;
    }
    return { outcomes, entered };
  } catch (error) {
    if (own) {
      keepKnown(items, [], entered, work);
      throw own;
    }
    if (site.ports.signal.aborted) throw error;
    if (!(error instanceof IntegrationError)) site.ports.report(error);
    return { outcomes: [], thrown: failureOf(error), entered };
  }
}

/** Books one outcome. Returns the failure when the record is to be tried again; "follows" when what is wanted now is still to be sent. */
function take(
  site: WriteSite,
  item: Item,
  outcome: WriteOutcome,
  entered: Entered | undefined,
  work: PageWork,
  ended: Ended[],
): FailureInfo | "follows" | undefined {
  const { origin, record, write } = item;
  const fix = (correction: { landed: boolean; unknown?: boolean }) => {
    if (entered) work.fixes.push({ ...entered.address, key: write.key, ...correction });
  };
  switch (outcome.outcome) {
    case "created":
    case "updated":
    case "deleted": {
      if (!entered) throw new Error(`Connector wrote “${write.key}” without entering it in the ledger first.`);
      const { remoteId, identity, after } = outcome;
      if (remoteId !== undefined || identity !== undefined || after !== undefined) {
        work.fixes.push({ ...entered.address, key: write.key, landed: true, remoteId, identity, after });
      }
      supersede(site, write.idempotencyKey, work);
      if (item.wanted) {
        item.landed ??= openEntry(item, entered, work, "done");
        return "follows";
      }
      ended.push({ origin, outcome: outcomeOf(item, entered.entry), record });
      return undefined;
    }
    case "unchanged": {
      fix({ landed: false });
      const open = work.open.get(site.step, write.idempotencyKey) ?? item.landed;
      if (item.wanted && open) {
        item.landed ??= open;
        return "follows";
      }
      ended.push({ origin, outcome: open ? outcomeOf(item, open) : "unchanged", record });
      return undefined;
    }
    case "unknown": {
      fix({ landed: true, unknown: true });
      const failure: FailureInfo = { ...outcome.failure, kind: "rejected", code: "may-have-arrived" };
      ended.push({ origin, outcome: "dead", record, failure: placed(site, failure) });
      return undefined;
    }
    case "failed": {
      if (outcome.sent && entered && keepOpen(site, item, entered, work)) return outcome.failure;
      fix({ landed: false });
      if (outcome.failure.kind !== "rejected") return outcome.failure;
      supersede(site, write.idempotencyKey, work); // refused under its key: it had not arrived before either
      ended.push({ origin, outcome: "dead", record, failure: placed(site, outcome.failure) });
      return undefined;
    }
  }
}
