/** Puts ledger rows back in their targets, newest first, and says what it could not put back. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import type { UndoOutcome } from "../../connectors/sdk/writing.ts";
import type { LedgerDraft, LedgerPlace, PartAddress, RunPorts } from "../ports.ts";
import { noRunCounts } from "./counts.ts";
import { PARTS_PER_ATTEMPT } from "./page-sites.ts";
import { recoverOpenEntries } from "./recover.ts";
import { USUAL_ATTEMPTS } from "./retry.ts";
import { type AttemptEnd, type AttemptState, nothing, runPages, type WorkedPage } from "./run-pages.ts";
import { UndoChain } from "./undo-chain.ts";
import { draftOf, undoGroup, undoThroughBlips } from "./undo-group.ts";

/** A ledger row by its number and, when it is not of the run that is undone, where else it stands. */
export type RowId = { id: string; of?: LedgerPlace };

/** A ledger row to put back. */
export type UndoRow = RowId & {
  step: string;
  /** id and, as the session is opened by it, name of the connection */
  connection: { id: string; name: string };
  sink: string;
  key: string;
  operation: "create" | "update" | "delete";
  identity: JsonRecord;
  before: JsonRecord | null;
  after: JsonRecord | null;
  remoteId?: string;
  undoable: boolean;
  /** an older change of the same record is yet to come; said in previews only */
  olderFollows?: boolean;
  /** older ledger rows that are put back with this one, which stands for all of them */
  covered?: RowId[];
  /** ledger rows older still: somebody changed the record after them, so they stay */
  beyond?: RowId[];
  /** what somebody did to the record after `beyond` */
  between?: ChangedBetween | null;
  /** there is nothing to put back before what is `beyond` */
  nothing?: boolean;
  /** the record is counted with its oldest row, which is yet to come */
  partOfRecord?: boolean;
};

/**
 * A change by somebody else, seen from the ledger. Records hold the fields concerned; null: there is, or was, no record.
 * `wrote`: what a run had left; `now`: what it became; `old`: what it was before the runs; `fields`: those that were changed.
 */
export type ChangedBetween = {
  wrote: JsonRecord | null;
  now: JsonRecord | null;
  old: JsonRecord | null;
  fields: string[];
};

export type UndoPage = { rows: UndoRow[]; cursor: Json };

export type UndoJob = {
  state: AttemptState;
  attempt: number;
  force: boolean;
  preview: boolean;
  sliceMs: number;
};

/** A row that was not put back, for the run's changes; `fields`: those somebody changed, as far as that is known. */
export type UndoRefusal = Omit<ChangedBetween, "fields"> & {
  row: UndoRow;
  message: string;
  /** blind: it would be put back, but there is no telling whether somebody changed it since */
  kind: "conflict" | "failed" | "blind";
  fields?: string[];
};

export type UndoPorts = RunPorts & {
  /** keeps what was refused, or what a preview found, where the run page shows it */
  note(address: PartAddress, refusals: UndoRefusal[], foreseen: LedgerDraft[]): Promise<void>;
};

/** Undoes page by page until the selection is through. What was restored before a crash is found restored and counted so. */
export async function executeUndo(job: UndoJob, ports: UndoPorts, pages: AsyncIterable<UndoPage>): Promise<AttemptEnd> {
  let recovered = job.attempt <= 1 || job.preview;
  const chain = job.preview ? new UndoChain(job.force) : undefined;
  return await runPages<UndoPage, UndoPage>({
    state: job.state,
    ports,
    pages: pages[Symbol.asyncIterator](),
    reading: { step: "undo" },
    retry: { attempts: USUAL_ATTEMPTS, forMs: 24 * 3_600_000 },
    stop: {},
    patient: !job.preview,
    sliceMs: job.sliceMs,
    width: 1,
    unfinished: () => [],
    prepare: async (page) => page,
    async land(page, number) {
      if (!recovered) await recoverOpenEntries(ports);
      recovered = true;
      return await undoPage(job, ports, page, number, chain);
    },
  });
}

async function undoPage(
  job: UndoJob,
  ports: UndoPorts,
  page: UndoPage,
  number: number,
  chain: UndoChain | undefined,
): Promise<WorkedPage> {
  const worked: WorkedPage = { ...nothing(), page: number, cursor: page.cursor, counts: {}, steps: {} };
  const counts = { ...noRunCounts(), restored: 0, conflict: 0, failed: 0 };
  counts.read = page.rows.filter(counted).length;
  let part = job.attempt * PARTS_PER_ATTEMPT;
  for (const group of groups(page.rows)) {
    const first = group[0] as UndoRow;
    const place = (): PartAddress => ({
      step: first.step,
      connection: first.connection.id,
      sink: first.sink,
      page: number,
      part: part++,
    });
    const address = place();
    const refusals: UndoRefusal[] = [];
    const foreseen: LedgerDraft[] = [];
    const undo = (rows: UndoRow[]) => undoGroup(job, ports, rows, address, worked.fixes);
    const insist = (rows: UndoRow[]) => undoThroughBlips(job, ports, rows, place, worked.fixes);
    const outcomes = !first.undoable
      ? group.map(notUndoable)
      : first.nothing
        ? group.map((): UndoOutcome => ({ outcome: "restored", entry: null }))
        : chain
          ? await foresee(chain, group, undo)
          : await insist(group);
    for (const [index, row] of group.entries()) {
      const outcome = outcomes[index];
      if (!outcome) throw new Error(`Connector gave ${outcomes.length} undo outcomes for ${group.length} rows.`);
      const { covered = [], beyond = [] } = row;
      const mark = (rows: RowId[], undo: "done" | "conflict") => {
        if (job.preview) return;
        for (const { id, of } of rows) worked.undone.push({ id, undo, ...(of === undefined ? {} : { of }) });
      };
      if (outcome.outcome === "restored") {
        if (beyond.length > 0) {
          if (counted(row)) counts.conflict++;
          const told = row.between ?? { wrote: null, now: row.before, old: null };
          refusals.push({ row, ...told, message: CHANGED_BETWEEN, kind: "conflict" });
        } else if (counted(row)) counts.restored++;
        mark([row, ...covered], "done");
        mark(beyond, "conflict");
        if (job.preview && outcome.entry && outcome.blind) {
          const { before: now, after: old } = outcome.entry;
          refusals.push({ row, wrote: row.after, now, old, message: NOT_COMPARED, kind: "blind" });
        } else if (job.preview && outcome.entry) foreseen.push(draftOf(row, outcome.entry));
      } else if (outcome.outcome === "conflict") {
        if (counted(row)) counts.conflict++;
        mark([row, ...covered, ...beyond], "conflict");
        const { outcome: kind, ...told } = outcome;
        refusals.push({ row, wrote: row.after, old: row.before, ...told, kind });
      } else {
        if (counted(row)) counts.failed++;
        const { message } = outcome.failure;
        refusals.push({ row, wrote: row.after, now: null, old: row.before, message, kind: "failed" });
      }
    }
    if (refusals.length > 0 || foreseen.length > 0) await ports.note(address, refusals, foreseen);
  }
  worked.counts = counts;
  return worked;
}

const counted = ({ partOfRecord }: UndoRow) => !partOfRecord;

const CHANGED_BETWEEN =
  "Somebody changed this record in between. It goes back to what they made of it, and no further.";

const NOT_COMPARED =
  "This system cannot be asked what it holds, so nothing was compared. What somebody changed in this record since would go with it.";

async function foresee(
  chain: UndoChain,
  rows: UndoRow[],
  undo: (rows: UndoRow[]) => Promise<UndoOutcome[]>,
): Promise<UndoOutcome[]> {
  const aimed = rows.map((row) => chain.aim(row));
  const asked = aimed.flatMap((aim) => ("row" in aim ? [aim.row] : []));
  const answers = (asked.length === 0 ? [] : await undo(asked)).values();
  return aimed.map((aim, index) => {
    const outcome = "row" in aim ? answers.next().value : aim.outcome;
    if (!outcome) throw new Error(`Connector gave too few undo outcomes for ${asked.length} rows.`);
    chain.note(rows[index] as UndoRow, "row" in aim ? aim.row : undefined, outcome);
    return outcome;
  });
}

/**
 * Rows that can be put back in one call: same step, connection and sink, no key twice. A key changed twice is put back
 * in two steps, newest first.
 */
function groups(rows: UndoRow[]): UndoRow[][] {
  const waves = new Map<string, UndoRow[]>();
  const times = new Map<string, number>();
  for (const row of rows) {
    const place = `${row.step}\u0000${row.connection.id}\u0000${row.sink}\u0000${row.undoable}\u0000${row.nothing}`;
    const id = `${place}\u0000${row.key}`;
    const time = times.get(id) ?? 0;
    times.set(id, time + 1);
    const wave = `${time}\u0000${place}`;
    const list = waves.get(wave);
    if (list) list.push(row);
    else waves.set(wave, [row]);
  }
  return [...waves.values()];
}

function notUndoable(row: UndoRow): UndoOutcome {
  const failure: FailureInfo = {
    kind: "rejected",
    code: "not-undoable",
    message: `${row.connection.name} cannot put “${row.key}” back. Correct it there by hand.`,
  };
  return { outcome: "failed", failure };
}
