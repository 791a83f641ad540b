/** Rows of one place put back in one call, and again while what keeps them from it may pass. */
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import type { LedgerEntry, UndoOutcome } from "../../connectors/sdk/writing.ts";
import type { LedgerDraft, LedgerFix, PartAddress } from "../ports.ts";
import type { UndoJob, UndoPorts, UndoRow } from "./execute-undo.ts";
import { PageInterrupted } from "./page.ts";
import { inPageWait, sleepInPage } from "./retry.ts";

/**
 * As `undoGroup`. Records that a passing failure kept from going back are tried again in place, then with the whole run: a
 * target that is down leaves nothing undone. What the target breaks at by itself, record by record, is left to a person.
 *
 * @throws PageInterrupted
 */
export async function undoThroughBlips(
  job: UndoJob,
  ports: UndoPorts,
  rows: UndoRow[],
  place: () => PartAddress,
  fixes: LedgerFix[],
): Promise<UndoOutcome[]> {
  const tried: LedgerFix[] = [];
  const outcomes = await undoGroup(job, ports, rows, place(), tried);
  for (let attempt = 0; ; attempt++) {
    const open = outcomes.flatMap((outcome, index) => (passing(outcome) ? [index] : []));
    const failures = open.map((index) => passing(outcomes[index]) as FailureInfo);
    const failure = failures.find(({ code }) => code !== "server-error") ?? failures[0];
    if (!failure) break;
    const wait = inPageWait(failure, attempt);
    if (wait === null && failure.code === "server-error") break;
    const first = rows[0] as UndoRow;
    if (wait === null) throw new PageInterrupted(first.step, first.connection.name, failure);
    await sleepInPage(ports, wait);
    const asked = open.map((index) => rows[index] as UndoRow);
    const again = await undoGroup(job, ports, asked, place(), tried);
    for (const [at, index] of open.entries()) {
      const outcome = again[at];
      if (!outcome) throw new Error(`Connector gave ${again.length} undo outcomes for ${asked.length} rows.`);
      outcomes[index] = outcome;
      if (outcome.outcome !== "restored" || outcome.entry) continue;
      // found as it should be: what was sent before, and seemed lost, had arrived
      const landed = tried.findLastIndex(({ key }) => key === asked[at]?.key);
      if (landed >= 0) tried.splice(landed, 1);
    }
  }
  fixes.push(...tried);
  return outcomes;
}

const passing = (outcome: UndoOutcome | undefined) =>
  outcome?.outcome === "failed" && outcome.failure.kind === "transient" ? outcome.failure : undefined;

/** Puts rows of one step, connection and sink back in one call, no key twice; what did not land is added to the fixes. */
export async function undoGroup(
  job: UndoJob,
  ports: UndoPorts,
  rows: UndoRow[],
  address: PartAddress,
  fixes: LedgerFix[],
): Promise<UndoOutcome[]> {
  const first = rows[0] as UndoRow;
  const { session } = await ports.connection(first.connection.name);
  const entered = new Set<number>();
  const enter = async (entries: LedgerEntry[], receipt?: Json) => {
    for (const entry of entries) entered.add(entry.index);
    await ports.store.enter(
      address,
      entries.map((entry) => draftOf(rows[entry.index] as UndoRow, entry)),
      receipt,
    );
  };
  const request = {
    sink: first.sink,
    records: rows.map((row) => ({
      key: row.key,
      operation: row.operation,
      identity: row.identity,
      before: row.before,
      after: row.after,
      ...(row.remoteId === undefined ? {} : { remoteId: row.remoteId }),
      idempotencyKey: `undo/${job.state.runId}/${row.id}`,
    })),
    force: job.force,
    preview: job.preview,
    signal: ports.signal,
  };
  for (let attempt = 0; ; attempt++) {
    try {
      const outcomes = await session.undo(request, { enter });
      for (const index of entered) {
        if (outcomes[index]?.outcome !== "restored")
          fixes.push({ ...address, key: (rows[index] as UndoRow).key, landed: false });
      }
      return outcomes;
    } catch (error) {
      if (!(error instanceof IntegrationError)) throw error;
      const failure = failureOf(error);
      const wait = inPageWait(failure, attempt);
      if (wait === null || entered.size > 0) {
        throw new PageInterrupted(first.step, first.connection.name, failure);
      }
      await sleepInPage(ports, wait);
    }
  }
}

/** What the ledger keeps of a row that was put back. */
export function draftOf(row: UndoRow, entry: Omit<LedgerEntry, "index">): LedgerDraft {
  return {
    operation: entry.operation,
    identity: entry.identity,
    before: entry.before,
    after: entry.after,
    ...(entry.remoteId === undefined ? {} : { remoteId: entry.remoteId }),
    key: row.key,
    sourceKey: null,
    idempotencyKey: `undo/${row.id}`,
    undo: "possible",
    undoes: row.id,
  };
}
