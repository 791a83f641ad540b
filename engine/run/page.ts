/** One page of records on its way through a plan, and what it adds to the counters. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type {
  CollectChanges,
  HeldDraft,
  LedgerFix,
  LetterDraft,
  OutcomeKeys,
  PublishedEvent,
  RunCounts,
  SeenAgain,
  StepCounts,
} from "../ports.ts";
import type { OpenEntries } from "./open-entries.ts";

/** A page as its source hands it over. */
export type SourcePage = {
  number: number;
  records: JsonRecord[];
  /** steps that get the records; a replay enters in the middle */
  entry: string[];
  /** replays: the letter each record comes from */
  letters?: ReplayedLetter[];
  /** the records are groups of a collect and leave it here; they do not count as read */
  groups?: { step: string; keys: string[]; labels: string[]; failed?: FailedGroup };
  /** the records were kept by this step and leave it now; they count as read */
  continued?: { step: string; port: string; parts: { id: string; key: string; source: JsonRecord }[] };
  /** the records were parked and have their turn now: their ids */
  parked?: string[];
  /** what the trigger could not read as a record */
  unreadable: { key: string; data: JsonRecord; failure: FailureInfo }[];
};

/** Parts of a group that could not be computed; each becomes a dead letter. */
export type FailedGroup = {
  failure: FailureInfo;
  items: JsonRecord[];
  label: string;
  /** with the last of them: the group is settled */
  key?: string;
};

export type ReplayedLetter = {
  id: string;
  key: string;
  attempts: number;
  source: JsonRecord;
  /** the idempotency key it was first sent under, when it may have arrived */
  sentAs?: string;
};

export type PageResult = {
  counts: RunCounts;
  steps: { [step: string]: StepCounts };
  letters: LetterDraft[];
  resolvedLetters: string[];
  seenAgain: SeenAgain[];
  outcomes: OutcomeKeys[];
  fixes: LedgerFix[];
  remembered: { step: string; scope: "run" | "forever"; keys: string[] }[];
  groups: CollectChanges;
  published: PublishedEvent[];
  held: HeldDraft[];
};

/** What write steps share while one page is worked on. */
export type PageWork = {
  page: SourcePage;
  /** number of the next ledger part */
  nextPart: number;
  /** parts that were sent and whose fate is not known: they stay open for the next attempt */
  unsettled: Set<number>;
  /** sum of corrections the checkpoint must store */
  fixes: LedgerFix[];
  /** ledger rows of earlier attempts that lack a checkpoint */
  open: OpenEntries;
  keyOf(origin: number): string;
};

/** Somebody wants the run to stop, and the page under way takes long: it is left where it stands. */
export class RunHalted extends Error {
  constructor() {
    super("The run was asked to stop.");
    this.name = "RunHalted";
  }
}

/** @throws RunHalted when the run is to stop */
export function throwIfHalted({ halt }: { halt?: AbortSignal }): void {
  if (halt?.aborted) throw new RunHalted();
}

/** The page cannot go on now: the connection is down, limited, or refuses us. Nothing is lost; the run waits or fails. */
export class PageInterrupted extends Error {
  readonly failure: FailureInfo;
  readonly step: string;
  readonly connection: string;

  constructor(step: string, connection: string, failure: FailureInfo) {
    super(failure.message);
    this.name = "PageInterrupted";
    this.step = step;
    this.connection = connection;
    this.failure = failure;
  }
}
