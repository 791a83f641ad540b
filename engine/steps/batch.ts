/** Taking a batch apart. Records are shared between batches, so nothing here changes one. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { Batch, Ended } from "./define-step.ts";

export function emptyBatch(): Batch {
  return { records: [], origins: [] };
}

export function push(batch: Batch, record: JsonRecord, origin: number): void {
  batch.records.push(record);
  batch.origins.push(origin);
}

/**
 * The records for which `keep` is true; the others are handed to `lose`. A batch of which nothing is lost is returned
 * as it is, without a copy.
 */
export function partition(
  batch: Batch,
  keep: (record: JsonRecord) => boolean,
  lose: (record: JsonRecord, origin: number) => void,
): Batch {
  const { records, origins } = batch;
  let kept: Batch | undefined;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index]!;
    if (keep(record)) {
      if (kept) push(kept, record, origins[index]!);
    } else {
      kept ??= { records: records.slice(0, index), origins: origins.slice(0, index) };
      lose(record, origins[index]!);
    }
  }
  return kept ?? batch;
}

export function dead(record: JsonRecord, origin: number, failure: NonNullable<Ended["failure"]>): Ended {
  return { origin, outcome: "dead", record, failure };
}
