/** How one page of a flow run writes: its work, the places it writes to, and the names its writes go by. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import type { RunPorts } from "../ports.ts";
import type { FlowJob } from "./execute-flow.ts";
import type { ForeseenValues } from "./foreseen-values.ts";
import type { KeyGate } from "./key-gate.ts";
import type { Passed } from "./left-behind.ts";
import type { PageWork, SourcePage } from "./page.ts";
import type { WritePlace } from "./write-site.ts";

/** Ledger parts of different attempts at one page must not share a number. */
export const PARTS_PER_ATTEMPT = 100_000;

export function pageWork(job: FlowJob, page: SourcePage, { keyOf }: Plan, open: PageWork["open"]): PageWork {
  return {
    page,
    nextPart: job.attempt * PARTS_PER_ATTEMPT,
    unsettled: new Set(),
    fixes: [],
    open,
    keyOf: (origin) =>
      page.letters?.[origin]?.key ??
      page.groups?.labels[origin] ??
      page.continued?.parts[origin]?.key ??
      keyOf(page.records[origin] as JsonRecord) ??
      `${page.number}.${origin + 1}`,
  };
}

export function writeSite(
  job: FlowJob,
  ports: RunPorts,
  {
    work,
    gate,
    foreseen,
    passed,
    blamesFew,
  }: {
    work: PageWork;
    gate: KeyGate;
    foreseen: ForeseenValues | undefined;
    passed: Passed;
    blamesFew: () => boolean;
  },
  step: CompiledStep,
): WritePlace {
  if (!step.write) throw new Error(`Step “${step.id}” does not write.`);
  const { page } = work;
  const plain = !page.letters && !page.continued && !page.parked;
  const prefix = plainPrefix(job, step.id, page);
  return {
    step: step.id,
    title: step.title,
    write: step.write,
    mode: job.mode,
    passed,
    blamesFew,
    ports,
    gate,
    ...(foreseen && { foreseen }),
    idempotencyKey: plain ? (_, key) => prefix + key : (origin, key) => idempotencyKey(job, step.id, work, origin, key),
    keyedAlike: plain,
  };
}

const plainPrefix = (job: FlowJob, step: string, page: SourcePage) =>
  `${job.flowId}/${step}/${job.state.runId}.${page.number}/`;

/** Whether its records are the next ones of the source, and not brought back from somewhere. */
export const isOfSource = ({ letters, parked, continued, groups }: SourcePage): boolean =>
  !(letters || parked || continued || groups);

/**
 * flow / step / what sets this write apart from an earlier one of the same record / its key. Apart are: run and page, or
 * for a replay the letter and how often it was tried. A letter that “may have arrived” is sent under its first key again.
 * What was parked or kept has one turn, whichever run gives it (server/db/run-store/turns.ts reads these keys). Such turns were
 * named by run and page once: what an attempt of that time entered goes on under its name, so that it is not sent again.
 */
export function idempotencyKey(
  job: FlowJob,
  step: string,
  { page, open }: PageWork,
  origin: number,
  key: string,
): string {
  const letter = page.letters?.[origin];
  const kept = page.continued?.parts[origin]?.id;
  const parked = page.parked?.[origin];
  const byPage = plainPrefix(job, step, page) + key;
  if ((kept !== undefined || parked !== undefined) && open.get(step, byPage)) return byPage;
  if (kept !== undefined) return `${job.flowId}/${step}/kept.${kept}/${key}`;
  if (parked !== undefined) return `${job.flowId}/${step}/parked.${parked}/${key}`;
  if (!letter) return byPage;
  return letter.sentAs ?? `${job.flowId}/${step}/${letter.id}.${letter.attempts}/${key}`;
}
