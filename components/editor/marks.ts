import type { Flow } from "../../engine/flow/schema.ts";
import type { Problem } from "../../engine/steps/define-step.ts";
import type { RunStepCounts } from "../../server/trpc/contract/runs.ts";
import type { Marks } from "../canvas/to-react-flow.ts";
import { say } from "./editor-context.tsx";
import { targetsOf } from "./target-of.ts";

/** What the cards show beside the flow: problems, counts of the run, and how much of a target a map fills. */
export function marksOf(
  flow: Flow,
  problems: readonly Problem[],
  counts: readonly RunStepCounts[] | undefined,
  sinkFields?: (stepId: string) => string[] | undefined,
): Marks {
  const marks: Marks = {};
  const of = (id: string) => {
    marks[id] ??= {};
    return marks[id];
  };
  for (const problem of problems) {
    if (problem.step === "") continue;
    const mark = of(problem.step);
    mark.problems = (mark.problems ?? 0) + 1;
    mark.problem ??= say(problem);
  }
  for (const { id, in: arrived, out, dead, held, ports } of counts ?? [])
    of(id).counts = { in: arrived, out, dead, held, ports };
  const targetOf = targetsOf(flow);
  for (const step of flow.steps) {
    if (step.kind !== "map") continue;
    const target = targetOf(step.id);
    const fields = target && sinkFields?.(target.id);
    if (!fields || fields.length === 0) continue; // a sink that takes whatever the map names, or that does not say now
    const mapped = step.fields.filter(({ to }) => fields.includes(to)).length;
    of(step.id).line = `${mapped} of ${fields.length} fields`;
  }
  return marks;
}
