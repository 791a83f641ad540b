/** Sends one page through the plan, step by step, and accounts for every record in it. */
import type { CompiledStep, Plan } from "../flow/compile.ts";
import type { RunConnection, StepCounts } from "../ports.ts";
import { type Batch, type Ended, OUTCOMES, type Outcome, type StepContext } from "../steps/define-step.ts";
import { noOutcomes, noRunCounts, noStepCounts } from "./counts.ts";
import type { PageResult, PageWork, SourcePage } from "./page.ts";
import { type WriteSite, writeBatch } from "./write-batch.ts";

const RANK = new Map<Outcome, number>(OUTCOMES.map((outcome, rank) => [outcome, rank]));
const UNSETTLED = 127;

export type PageEnvironment = {
  plan: Plan;
  context: StepContext;
  work: PageWork;
  connection(name: string): Promise<RunConnection>;
  writeSite(step: CompiledStep, connection: RunConnection): WriteSite;
};

/**
 * Executes every step on the page's records.
 *
 * @returns counters, dead letters and journey rows of this page; every record has exactly one outcome in `counts`
 * @throws PageInterrupted when a target cannot take the page now
 * @throws Error when a record left a step without an outcome: a defect that must never pass as a green run
 */
export async function processPage(page: SourcePage, environment: PageEnvironment): Promise<PageResult> {
  const { plan, context, work } = environment;
  const result: PageResult = {
    counts: noRunCounts(),
    steps: {},
    letters: [],
    resolvedLetters: [],
    outcomes: [],
    fixes: work.fixes,
    remembered: [],
  };
  const ranks = new Int8Array(page.records.length).fill(UNSETTLED);
  const inboxes = new Map<string, Batch>();
  const letterUsed = new Set<string>();

  const settle = (step: string, ended: Ended[], counts: StepCounts) => {
    const keys = new Map<Outcome, string[]>();
    for (const part of ended) {
      const rank = RANK.get(part.outcome) as number;
      if (rank < (ranks[part.origin] as number)) ranks[part.origin] = rank;
      counts[part.outcome]++;
      if (part.outcome === "dead") {
        const letter = page.letters?.[part.origin];
        const source = letter?.source ?? (page.records[part.origin] as Ended["record"]);
        const again = letter !== undefined && !letterUsed.has(letter.id);
        if (again) letterUsed.add(letter.id);
        result.letters.push({
          step,
          key: work.keyOf(part.origin),
          failure: part.failure ?? { kind: "rejected", code: "unknown-reason", message: "No reason was given." },
          data: part.record,
          source,
          ...(again ? { letterId: letter.id } : {}),
        });
      } else if (part.outcome !== "created" && part.outcome !== "updated" && part.outcome !== "deleted") {
        const list = keys.get(part.outcome);
        const key = work.keyOf(part.origin);
        if (list) list.push(key);
        else keys.set(part.outcome, [key]);
      }
    }
    for (const [outcome, list] of keys) result.outcomes.push({ step, outcome, keys: list });
  };

  seedInboxes(page, environment, inboxes, result, settle);

  for (const step of plan.order) {
    if (step.role === "trigger") continue;
    const batch = inboxes.get(step.id);
    if (!batch || batch.records.length === 0) continue;
    inboxes.delete(step.id);
    context.signal.throwIfAborted();
    const counts = noStepCounts();
    counts.in = batch.records.length;
    result.steps[step.id] = counts;
    if (step.write) {
      const connection = await environment.connection(step.write.connection);
      settle(step.id, await writeBatch(environment.writeSite(step, connection), batch, work), counts);
      continue;
    }
    if (!step.executor) throw new Error(`Step “${step.id}” of kind ${step.kind} has no executor.`);
    const { out, ended } = await step.executor(batch, context);
    settle(step.id, ended, counts);
    counts.out = counts.in - ended.length;
    const ports = Object.keys(out);
    if (ports.length <= 1 && (out[ports[0] ?? ""]?.records.length ?? 0) !== counts.out) {
      throw new Error(`Step “${step.id}” lost records: ${counts.in} in, ${counts.out} expected out.`);
    }
    for (const port of ports) {
      const leaving = out[port] as Batch;
      if (leaving.records.length === 0) continue;
      counts.ports[port] = leaving.records.length;
      deliver(step, port, leaving, inboxes, counts, settle);
    }
  }

  summarise(page, ranks, result);
  if (page.letters) {
    for (const letter of page.letters) if (!letterUsed.has(letter.id)) result.resolvedLetters.push(letter.id);
  }
  return result;
}

type Settle = (step: string, ended: Ended[], counts: StepCounts) => void;

/** The trigger's own counters, and its records put before the steps that follow it. */
function seedInboxes(
  page: SourcePage,
  { plan }: PageEnvironment,
  inboxes: Map<string, Batch>,
  result: PageResult,
  settle: Settle,
): void {
  const total = page.records.length;
  const batch: Batch = { records: page.records, origins: Array.from({ length: total }, (_, index) => index) };
  if (page.letters) {
    for (const id of page.entry) inboxes.set(id, copy(batch));
    return;
  }
  const counts = noStepCounts();
  counts.in = total + page.unreadable.length;
  counts.out = total;
  counts.dead = page.unreadable.length;
  if (counts.in > 0) result.steps[plan.trigger.id] = counts;
  for (const broken of page.unreadable) {
    result.counts.read++;
    result.counts.dead++;
    result.letters.push({
      step: plan.trigger.id,
      key: broken.key,
      failure: broken.failure,
      data: broken.data,
      source: broken.data,
    });
  }
  for (const port of Object.keys(plan.trigger.next)) {
    if (port === "out") counts.ports[port] = total;
    deliver(plan.trigger, port, batch, inboxes, counts, settle);
  }
}

function copy(batch: Batch): Batch {
  return { records: batch.records.slice(), origins: batch.origins.slice() };
}

/** Hands what leaves a port to the steps it leads to. A port that leads nowhere ends its records as filtered; one that
 * leads only to steps cut from a draft's plan ends them as held. */
function deliver(
  step: CompiledStep,
  port: string,
  leaving: Batch,
  inboxes: Map<string, Batch>,
  counts: StepCounts,
  settle: Settle,
): void {
  const targets = step.next[port] ?? [];
  if (targets.length === 0) {
    const outcome: Outcome = (step.cutNext[port]?.length ?? 0) > 0 ? "held" : "filtered";
    const ended = leaving.records.map(
      (record, index): Ended => ({ origin: leaving.origins[index] as number, outcome, record }),
    );
    counts.out -= ended.length;
    delete counts.ports[port];
    settle(step.id, ended, counts);
    return;
  }
  for (const target of targets) {
    const inbox = inboxes.get(target);
    if (!inbox) inboxes.set(target, targets.length === 1 ? leaving : copy(leaving));
    else {
      for (const record of leaving.records) inbox.records.push(record);
      for (const origin of leaving.origins) inbox.origins.push(origin);
    }
  }
}

/** The run's counters of this page: each record once, by the least good outcome of its parts. */
function summarise(page: SourcePage, ranks: Int8Array, result: PageResult): void {
  const outcomes = noOutcomes();
  for (let index = 0; index < ranks.length; index++) {
    const rank = ranks[index] as number;
    if (rank === UNSETTLED)
      throw new Error(`Record ${index + 1} of page ${page.number} left the flow without an outcome.`);
    outcomes[OUTCOMES[rank] as Outcome]++;
  }
  result.counts.read += ranks.length;
  for (const outcome of OUTCOMES) result.counts[outcome] += outcomes[outcome];
}
