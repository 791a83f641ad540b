import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { Batch, Ended } from "../steps/define-step.ts";
import type { PageWork } from "./page.ts";
import type { Item, WritePlace } from "./write-site.ts";

/**
 * Converts the records, and deals them into waves in which each key occurs once: a target must not be asked to change
 * one record twice in a single statement, and the second change must see the first.
 */
export function toWaves(site: WritePlace, batch: Batch, work: PageWork, ended: Ended[]): Item[][] {
  const waves: Item[][] = [];
  const times = new Map<string, number>();
  const sent = new Map<string, number>();
  for (let index = 0; index < batch.records.length; index++) {
    const record = batch.records[index] as JsonRecord;
    const origin = batch.origins[index] as number;
    const converted = site.write.toWrite(record);
    if (!converted.ok) {
      ended.push({ origin, outcome: "dead", record, failure: converted.failure });
      continue;
    }
    const key = site.write.writeKey(converted.values) || work.keyOf(origin);
    const time = times.get(key) ?? 0;
    times.set(key, time + 1);
    // numbered by what the site tells apart, so that an event keeps its key whatever others share its batch
    const first = site.idempotencyKey(origin, key);
    const nth = site.keyedAlike ? time + 1 : (sent.get(first) ?? 0) + 1;
    if (!site.keyedAlike) sent.set(first, nth);
    const idempotencyKey = nth === 1 ? first : `${first}#${nth}`;
    let wave = waves[time];
    if (!wave) {
      wave = [];
      waves[time] = wave;
    }
    wave.push({ origin, record, write: { key, values: converted.values, idempotencyKey } });
  }
  return waves;
}
