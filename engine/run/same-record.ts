/**
 * Records a flow reads again (docs/decisions/0012): how an earlier dead letter is known to be of the same record of the source.
 * Only what a `read` step reads is the same record when it is read again; an event, a message or a file is another one.
 */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { Plan } from "../flow/compile.ts";
import type { SeenAgain, TellingPart } from "../ports.ts";
import { OUTCOMES } from "../steps/define-step.ts";
import { isEmpty } from "../steps/field-access.ts";
import type { SourcePage } from "./page.ts";
import type { PreparedPage } from "./process-page.ts";

const HELD = OUTCOMES.indexOf("held");

/**
 * The part of a source record that no other one has: the key of its stream, else all of it. Undefined where the page does not
 * come from the source itself.
 */
export function tellingPart(
  page: Pick<SourcePage, "letters" | "groups" | "continued" | "parked">,
  { sourceKey }: Plan,
  source: JsonRecord,
): TellingPart | undefined {
  if (sourceKey === null || page.letters || page.groups || page.continued || page.parked) return undefined;
  const whole = sourceKey.length === 0 || sourceKey.some((field) => isEmpty(source[field] ?? null));
  return { fields: whole ? source : pick(source, sourceKey), whole };
}

const pick = (record: JsonRecord, fields: string[]): JsonRecord =>
  Object.fromEntries(fields.map((field) => [field, record[field] ?? null]));

/**
 * Records of the page of which everything has ended, among those whose key has an open letter.
 *
 * @param openLetters keys of letters that are open since earlier runs of the flow
 */
export function seenAgain(
  { page, ranks, waiting, result, environment }: PreparedPage,
  openLetters: ReadonlySet<string>,
): SeenAgain[] {
  const kept = new Set(result.held.map(({ origin }) => origin));
  const origins = environment.only ?? page.records.keys();
  const seen: SeenAgain[] = [];
  for (const origin of origins) {
    const key = environment.work.keyOf(origin);
    if (!openLetters.has(key) || ranks[origin] === HELD || kept.has(origin) || waiting.has(origin)) continue;
    const same = tellingPart(page, environment.plan, page.records[origin] as JsonRecord);
    if (same) seen.push({ key, same });
  }
  return seen;
}
