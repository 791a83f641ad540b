/** Where the records of a page stand: before the steps they enter by, then wherever the links lead. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { CompiledStep } from "../flow/compile.ts";
import type { StepCounts } from "../ports.ts";
import { type Batch, type Ended, OUTCOMES, type Outcome } from "../steps/define-step.ts";
import { noStepCounts } from "./counts.ts";
import type { SourcePage } from "./page.ts";
import { settle } from "./page-books.ts";
import type { PreparedPage } from "./process-page.ts";
import { tellingPart } from "./same-record.ts";

/** The trigger's own counters, and its records put before the steps that follow it. */
export function seedInboxes(prepared: PreparedPage): void {
  const { page, inboxes, result, environment } = prepared;
  const { trigger } = environment.plan;
  const { only } = environment;
  const total = only?.length ?? page.records.length;
  const batch: Batch = only
    ? { records: only.map((origin) => page.records[origin] as JsonRecord), origins: [...only] }
    : { records: page.records, origins: Array.from({ length: total }, (_, index) => index) };
  if (page.letters) {
    for (const id of page.entry) inboxes.set(id, copy(batch));
    return;
  }
  if (page.continued) {
    seedContinued(prepared, batch, page.continued);
    return;
  }
  if (page.groups) {
    seedGroups(prepared, batch, page.groups);
    return;
  }
  const counts = noStepCounts();
  counts.in = total + page.unreadable.length;
  counts.out = total;
  counts.dead = page.unreadable.length;
  if (counts.in > 0) result.steps[trigger.id] = counts;
  environment.trace?.entered(trigger.id, batch.origins);
  for (const { key, failure, data } of page.unreadable) {
    result.counts.read++;
    result.counts.dead++;
    const same = tellingPart(page, environment.plan, data);
    result.letters.push({ step: trigger.id, key, failure, data, source: data, ...(same && { same }) });
  }
  for (const port of Object.keys(trigger.next)) {
    if (port === "out") counts.ports[port] = total;
    deliver(prepared, trigger, port, batch, counts);
  }
}

/** Kept parts leave the step that kept them. */
function seedContinued(
  prepared: PreparedPage,
  batch: Batch,
  { step: id, port }: NonNullable<SourcePage["continued"]>,
): void {
  const { result, environment } = prepared;
  const step = environment.plan.steps.get(id);
  if (!step) throw new Error(`The flow has no step “${id}” that its kept records could go on from.`);
  const counts = noStepCounts();
  counts.in = batch.records.length;
  counts.out = batch.records.length;
  counts.ports[port] = batch.records.length;
  result.steps[id] = counts;
  deliver(prepared, step, port, batch, counts);
}

/** Groups leave the step that collected them: what had joined there goes on as one record each. */
function seedGroups(
  prepared: PreparedPage,
  batch: Batch,
  { step: id, failed }: NonNullable<SourcePage["groups"]>,
): void {
  const { result, environment } = prepared;
  const step = environment.plan.steps.get(id);
  const total = batch.records.length;
  const lost = failed?.items.length ?? 0;
  if (!step || total + lost === 0) return;
  const counts = noStepCounts();
  counts.out = total;
  counts.dead = lost;
  counts.joined = -(total + lost);
  result.steps[id] = counts;
  for (const record of failed?.items ?? [])
    result.letters.push({ step: id, key: failed!.label, failure: failed!.failure, data: record, source: record });
  if (failed?.key !== undefined)
    result.groups.settled.push({ step: id, key: failed.key, rank: OUTCOMES.indexOf("dead") });
  if (total === 0) return;
  counts.ports.out = total;
  deliver(prepared, step, "out", batch, counts);
}

function copy(batch: Batch): Batch {
  return { records: batch.records.slice(), origins: batch.origins.slice() };
}

/** Hands what leaves a port to the steps it leads to. A port that leads nowhere ends its records as filtered; one that
 * leads only to steps cut from a draft's plan ends them as held. */
export function deliver(
  prepared: PreparedPage,
  step: CompiledStep,
  port: string,
  leaving: Batch,
  counts: StepCounts,
): void {
  const { inboxes } = prepared;
  const targets = step.next[port] ?? [];
  if (targets.length === 0) {
    const outcome: Outcome = (step.cutNext[port]?.length ?? 0) > 0 ? "held" : "filtered";
    const ended = leaving.records.map(
      (record, index): Ended => ({ origin: leaving.origins[index] as number, outcome, record }),
    );
    counts.out -= ended.length;
    delete counts.ports[port];
    settle(prepared, step.id, ended, counts);
    return;
  }
  prepared.environment.trace?.left(step.id, port, leaving.origins);
  for (const target of targets) {
    const inbox = inboxes.get(target);
    if (!inbox) inboxes.set(target, targets.length === 1 ? leaving : copy(leaving));
    else {
      for (const record of leaving.records) inbox.records.push(record);
      for (const origin of leaving.origins) inbox.origins.push(origin);
    }
  }
}
