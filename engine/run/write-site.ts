/** What writing and foreseeing a batch share: the place they write to, one part to write, and how it is asked and addressed. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { LedgerEntry, WriteRecord } from "../../connectors/sdk/writing.ts";
import type { CompiledWrite } from "../flow/compile.ts";
import type { OpenEntry, PartAddress, RunConnection, WritePorts } from "../ports.ts";
import type { Outcome } from "../steps/define-step.ts";
import type { ForeseenValues } from "./foreseen-values.ts";
import type { KeyGate } from "./key-gate.ts";
import type { Passed } from "./left-behind.ts";
import type { PageWork } from "./page.ts";

/** Where a batch is written, and by which rules. */
export type WritePlace = {
  step: string;
  title: string;
  write: CompiledWrite;
  mode: "live" | "dry";
  /** inserted in a page before; absent where that cannot be */
  passed?: Passed;
  /** same key, at most one effect; it sets this write apart from others of the same record */
  idempotencyKey(origin: number, key: string): string;
  /** the idempotency key says no more than the record's key: the n-th write of one is the n-th of the other */
  keyedAlike?: boolean;
  ports: WritePorts;
  /** keeps pages that are written at once off each other's records; absent: this page is alone */
  gate?: KeyGate;
  /** when the target cannot take the page: true makes dead letters of the rest instead of interrupting */
  givesUp?: boolean;
  /** whether this was tried often enough: a few records the target fails inside at are to blame then, not the target */
  blamesFew?(): boolean;
  /** of a dry run: what its pages have foreseen so far */
  foreseen?: ForeseenValues;
};

export type WriteSite = WritePlace & { connection: RunConnection };

/**
 * One part to write. `landed`: an earlier attempt wrote it, in a state it may not have any more. `wanted`: its values, while those
 * of an earlier attempt are sent once more.
 */
export type Item = {
  origin: number;
  record: JsonRecord;
  write: WriteRecord;
  landed?: OpenEntry;
  wanted?: JsonRecord;
};

export const OUTCOME_OF: Record<LedgerEntry["operation"], Outcome> = {
  create: "created",
  update: "updated",
  delete: "deleted",
};

export function requestOf(site: WriteSite, items: Item[]) {
  return {
    sink: site.write.sink,
    operation: site.write.operation,
    match: site.write.match,
    records: items.map((item) => item.write),
    signal: site.ports.signal,
    ...(site.ports.halt ? { halt: site.ports.halt } : {}),
  };
}

export function addressOf(site: WriteSite, work: PageWork): PartAddress {
  return {
    step: site.step,
    connection: site.connection.id,
    sink: site.write.sink,
    page: work.page.number,
    part: work.nextPart++,
  };
}

/** Of a record that was sent, and nobody can find out what became of it. */
export function mayHaveArrived(site: Pick<WritePlace, "title" | "write">, answer?: FailureInfo): FailureInfo {
  const said = answer === undefined ? "" : `${answer.message} `;
  const message = `${said}${site.write.connection} was sent this record before, and cannot say whether it arrived. Look it up there: dismiss this if it is there, replay it if it is not.`;
  return placed(site, { kind: "rejected", code: "may-have-arrived", message });
}

/** The failure with the step's name in front, unless the connector put a place there itself. */
export function placed(site: Pick<WritePlace, "title">, failure: FailureInfo): FailureInfo {
  if (failure.message.startsWith("Step “")) return failure;
  const at = (said: string) => `Step “${site.title}”: ${said}`;
  return { ...failure, message: at(failure.message), general: failure.general && at(failure.general) };
}
