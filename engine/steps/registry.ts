/** The one list of step kinds, in the order of the palette. */
import type { Step, StepKind } from "../flow/schema.ts";
import { approveStep } from "./approve/approve-step.ts";
import { branchStep } from "./branch/branch-step.ts";
import { checkStep } from "./check/check-step.ts";
import { collectStep } from "./collect/collect-step.ts";
import { dedupeStep } from "./dedupe/dedupe-step.ts";
import type { StepDefinition } from "./define-step.ts";
import { eventStep } from "./event/event-step.ts";
import { filterStep } from "./filter/filter-step.ts";
import { lookupStep } from "./lookup/lookup-step.ts";
import { mapStep } from "./map/map-step.ts";
import { publishStep } from "./publish/publish-step.ts";
import { readStep } from "./read/read-step.ts";
import { splitStep } from "./split/split-step.ts";
import { waitStep } from "./wait/wait-step.ts";
import { webhookStep } from "./webhook/webhook-step.ts";
import { writeStep } from "./write/write-step.ts";

const byKind = {
  read: readStep,
  webhook: webhookStep,
  event: eventStep,
  check: checkStep,
  filter: filterStep,
  branch: branchStep,
  map: mapStep,
  lookup: lookupStep,
  dedupe: dedupeStep,
  split: splitStep,
  collect: collectStep,
  wait: waitStep,
  approve: approveStep,
  write: writeStep,
  publish: publishStep,
} as const satisfies { [K in StepKind]: StepDefinition<Extract<Step, { kind: K }>> };

export const stepDefinitions: readonly StepDefinition[] = Object.values(byKind);

/** The definition of a step's kind. */
export function definitionOf({ kind }: { kind: StepKind }): StepDefinition {
  return byKind[kind];
}
