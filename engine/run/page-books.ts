/** Accounts for the parts of a page: what became of each, what is put aside, what goes out, and the run's counters. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { CompiledStep } from "../flow/compile.ts";
import type { StepCounts } from "../ports.ts";
import {
  type Batch,
  type Collected,
  type Ended,
  type HeldPart,
  OUTCOMES,
  type Outcome,
  type Published,
  type StepResult,
} from "../steps/define-step.ts";
import { noOutcomes } from "./counts.ts";
import type { SourcePage } from "./page.ts";
import type { PreparedPage } from "./process-page.ts";
import { tellingPart } from "./same-record.ts";

const RANK = new Map<Outcome, number>(OUTCOMES.map((outcome, rank) => [outcome, rank]));
const DEAD = OUTCOMES.indexOf("dead");
/** Rank of a record none of whose parts has ended yet. */
export const UNSETTLED = 127;

/** How many leave; of kinds that make or join parts, what each record became. @throws Error when one is lost */
export function countParts(
  { environment, page }: PreparedPage,
  step: CompiledStep,
  batch: Batch,
  { out, ended, collected = [] }: StepResult,
  counts: StepCounts,
): void {
  const { parts } = step.definition;
  if (parts === undefined) {
    counts.out = counts.in - ended.length;
    return;
  }
  const more = new Int32Array(page.records.length);
  for (const origin of batch.origins) more[origin]!--;
  for (const { origins } of Object.values(out)) {
    counts.out += origins.length;
    for (const origin of origins) more[origin]!++;
  }
  for (const { origin } of ended) more[origin]!++;
  for (const { origin } of collected) more[origin]!++;
  counts.joined += collected.length;
  const changed: number[] = [];
  for (const [origin, change] of more.entries()) {
    if (change === 0) continue;
    if (change < 0 === (parts === "makes")) throw new Error(`Step “${step.id}” lost parts of record ${origin + 1}.`);
    for (let part = 0; part < Math.abs(change); part++) changed.push(origin);
  }
  counts[parts === "makes" ? "made" : "joined"] += changed.length;
  if (changed.length > 0) environment.trace?.[parts === "makes" ? "made" : "joined"](step.id, changed);
}

/** Records of a page are told apart by its number; so are their parts in the order they came. */
const REFS_PER_PAGE = 1_000_000;
const PARTS_PER_PAGE = 100_000_000;

/** Puts parts aside until the run's end. */
export function collect({ page, result, waiting, environment }: PreparedPage, step: string, parts: Collected[]): void {
  const { items } = result.groups;
  const first = page.number * PARTS_PER_PAGE + items.length;
  const keys: string[] = [];
  for (const [at, { key, record, origin }] of parts.entries()) {
    items.push({ step, key, seq: first + at, ref: page.number * REFS_PER_PAGE + origin, record });
    waiting.set(origin, (waiting.get(origin) ?? 0) + 1);
    keys.push(environment.work.keyOf(origin));
  }
  if (keys.length > 0) result.outcomes.push({ step, outcome: "joined", keys });
}

/** What a step keeps goes on in a run of its own. */
export function keep({ page, result, environment }: PreparedPage, step: string, parts: HeldPart[]): void {
  for (const { record, ...part } of parts) {
    const { origin } = part;
    const source = sourceOf(page, origin);
    result.held.push({ ...part, step, key: environment.work.keyOf(origin), data: record, source });
  }
}

/** The record as the trigger read it. */
function sourceOf(page: SourcePage, origin: number): JsonRecord {
  return (
    page.letters?.[origin]?.source ?? page.continued?.parts[origin]?.source ?? (page.records[origin] as JsonRecord)
  );
}

/** Events leave with the page's checkpoint. Each has the id it would have if its record were worked on again. */
export function publish({ result, environment }: PreparedPage, step: string, events: Published[]): void {
  const sent = new Map<string, number>();
  const keys: string[] = [];
  for (const event of events) {
    const key = environment.work.keyOf(event.origin);
    const first = environment.idempotencyKey(step, event.origin, key);
    const nth = (sent.get(first) ?? 0) + 1;
    sent.set(first, nth);
    result.published.push({ ...event, step, id: nth === 1 ? first : `${first}#${nth}` });
    keys.push(key);
  }
  if (keys.length > 0) result.outcomes.push({ step, outcome: "published", keys });
}

/** Books parts that ended at a step: outcome, dead letter or journey. */
export function settle(prepared: PreparedPage, step: string, ended: Ended[], counts: StepCounts): void {
  const { page, ranks, result, lettersUsed, environment } = prepared;
  const { work } = environment;
  environment.trace?.ended(step, ended);
  const keys = new Map<Outcome, string[]>();
  for (const part of ended) {
    const rank = RANK.get(part.outcome) as number;
    if (rank < (ranks[part.origin] as number)) ranks[part.origin] = rank;
    counts[part.outcome]++;
    if (part.outcome === "dead") {
      const letter = page.letters?.[part.origin];
      const again = letter !== undefined && !lettersUsed.has(letter.id);
      const source = sourceOf(page, part.origin);
      const same = tellingPart(page, environment.plan, source);
      if (again) lettersUsed.add(letter.id);
      result.letters.push({
        step,
        key: work.keyOf(part.origin),
        origin: part.origin,
        failure: part.failure ?? { kind: "rejected", code: "unknown-reason", message: "No reason was given." },
        data: part.record,
        source,
        ...(again ? { letterId: letter.id } : {}),
        ...(same && { same }),
      });
    } else if (part.outcome !== "created" && part.outcome !== "updated" && part.outcome !== "deleted") {
      const list = keys.get(part.outcome);
      const key = work.keyOf(part.origin);
      if (list) list.push(key);
      else keys.set(part.outcome, [key]);
    }
  }
  for (const [outcome, list] of keys) result.outcomes.push({ step, outcome, keys: list });
}

/** The run's counters of this page: each record once, by the least good outcome of its parts. */
export function summarise(prepared: PreparedPage): void {
  const { page, ranks, result, environment, waiting } = prepared;
  const outcomes = noOutcomes();
  const { only } = environment;
  const count = only?.length ?? ranks.length;
  for (let at = 0; at < count; at++) {
    const index = only ? (only[at] as number) : at;
    const rank = ranks[index] as number;
    const parts = waiting.get(index) ?? 0;
    if (rank === UNSETTLED && parts === 0)
      throw new Error(`Record ${index + 1} of page ${page.number} left the flow without an outcome.`);
    const ref = page.number * REFS_PER_PAGE + index;
    const group = page.groups && { step: page.groups.step, key: page.groups.keys[index] as string };
    if (parts > 0 && (group || rank !== DEAD))
      result.groups.waiting.push({ ref, parts, rank, ...(group && { group }) });
    else if (group) result.groups.settled.push({ ...group, rank });
    if (group) continue;
    outcomes[parts > 0 && rank !== DEAD ? "held" : (OUTCOMES[rank] as Outcome)]++;
  }
  if (page.groups) return;
  result.counts.read += count;
  for (const outcome of OUTCOMES) result.counts[outcome] += outcomes[outcome];
}
