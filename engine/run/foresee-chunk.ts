import { failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { LedgerDraft } from "../ports.ts";
import type { Ended } from "../steps/define-step.ts";
import { PageInterrupted, type PageWork } from "./page.ts";
import { throughBlips } from "./retry.ts";
import { addressOf, type Item, placed, requestOf, type WriteSite } from "./write-site.ts";

/**
 * The dry run of a write: what each record would become, as the target says, kept for the pages after it.
 *
 * @throws PageInterrupted when the target cannot be asked now
 */
export async function foreseeChunk(site: WriteSite, chunk: Item[], work: PageWork, ended: Ended[]): Promise<void> {
  const { step, connection, ports } = site;
  const { info } = site.write;
  const keys = chunk.map((item) => item.write.key);
  const clashing = site.foreseen?.clashing(
    step,
    info,
    chunk.map((item) => item.write),
  );
  const assumed = new Map([...(clashing ?? []), ...(await ports.store.foreseen(step, keys))]);
  const request = requestOf(site, chunk);
  const outcomes = await throughBlips(ports, () => connection.session.foresee({ ...request, assumed })).catch(
    (error: unknown) => {
      if (ports.signal.aborted || !(error instanceof IntegrationError)) throw error;
      throw new PageInterrupted(step, site.write.connection, failureOf(error));
    },
  );
  const drafts: LedgerDraft[] = [];
  for (const [index, item] of chunk.entries()) {
    const foreseen = outcomes[index];
    if (!foreseen) throw new Error(`Connector gave ${outcomes.length} answers for ${chunk.length} records.`);
    if (foreseen.outcome === "failed") {
      ended.push({
        origin: item.origin,
        outcome: "dead",
        record: item.record,
        failure: placed(site, foreseen.failure),
      });
      continue;
    }
    ended.push({ origin: item.origin, outcome: foreseen.outcome, record: item.record });
    if (foreseen.outcome === "unchanged") continue;
    if (foreseen.outcome === "deleted") site.foreseen?.free(step, item.write.key);
    else site.foreseen?.hold(step, info, item.write);
    const operation = foreseen.outcome === "created" ? "create" : foreseen.outcome === "updated" ? "update" : "delete";
    drafts.push({
      operation,
      identity: foreseen.identity,
      before: foreseen.before,
      after: foreseen.after,
      key: item.write.key,
      sourceKey: work.keyOf(item.origin),
      idempotencyKey: item.write.idempotencyKey,
      undo: "not possible",
    });
  }
  if (drafts.length > 0) await ports.store.foresee(addressOf(site, work), drafts);
}
