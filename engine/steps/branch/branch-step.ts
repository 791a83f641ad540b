import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import {
  type Batch,
  defineStep,
  type Ended,
  type Problem,
  type StepContext,
  type StepExecutor,
  type StepSite,
} from "../define-step.ts";
import { compileConditional, conditionalProblems } from "../rules/condition.ts";
import { atField, count, formulaFailure } from "../words.ts";
import { examples } from "./examples.ts";
import { type BranchStep, branchSchema } from "./schema.ts";

const ELSE = "else";

export const branchStep = defineStep<BranchStep>({
  kind: "branch",
  role: "middle",
  title: "Branch",
  summary: "Sends records different ways, by conditions tried in order.",
  icon: "split",
  tint: "violet",
  schema: branchSchema,
  ports: (step) => [
    ...step.branches.map(({ port, title }) => ({ name: port, title: title ?? port })),
    { name: ELSE, title: "Otherwise" },
  ],
  output: ({ step, input }) =>
    Object.fromEntries([...step.branches.map(({ port }) => port), ELSE].map((port) => [port, input])),
  problems,
  compile,
  describe: (step) => `${count(step.branches.length + 1, "way")}${step.all ? ", all that hold" : ""}`,
  draft: () => ({ kind: "branch", branches: [] }),
  examples,
});

function problems({ step, input }: StepSite<BranchStep>): Problem[] {
  const found: Problem[] = [];
  const seen = new Set<string>();
  for (const [index, branch] of step.branches.entries()) {
    const field = `branches[${index}].port`;
    if (branch.port === ELSE || seen.has(branch.port)) {
      const message =
        branch.port === ELSE
          ? `${atField(step, field)}: “else” is the port of the records that no branch takes.`
          : `${atField(step, field)}: two branches have the port “${branch.port}”.`;
      found.push({ step: step.id, field, message, remedy: "Give the branch another port name." });
    }
    seen.add(branch.port);
    found.push(...conditionalProblems(step, branch, input, `branches[${index}].`));
  }
  if (step.branches.length === 0) {
    const message = `${atField(step, "branches")}: expected at least one branch, found none.`;
    found.push({
      step: step.id,
      field: "branches",
      message,
      remedy: "Add a branch with a condition, or remove the step.",
    });
  }
  return found;
}

function compile({ step, input }: StepSite<BranchStep>): StepExecutor {
  const branches = step.branches.map((branch) => ({ port: branch.port, holds: compileConditional(branch, input) }));
  return (batch, context) => {
    const out: { [port: string]: Batch } = {};
    for (const { port } of branches) out[port] = emptyBatch();
    const rest = emptyBatch();
    out[ELSE] = rest;
    const ended: Ended[] = [];
    for (const [index, record] of batch.records.entries()) {
      const origin = batch.origins[index]!;
      const ports = portsOf(record, context);
      if (!Array.isArray(ports)) ended.push(dead(record, origin, formulaFailure(step, ports.error)));
      else if (ports.length === 0) push(rest, record, origin);
      else for (const port of ports) push(out[port]!, record, origin);
    }
    return { out, ended };
  };

  /** All conditions of a record are judged before it goes anywhere, so that one that fails goes nowhere. */
  function portsOf(record: JsonRecord, context: StepContext): string[] | { error: unknown } {
    const ports: string[] = [];
    try {
      for (const { port, holds } of branches) {
        if (!holds(record, context)) continue;
        ports.push(port);
        if (!step.all) break;
      }
    } catch (error) {
      return { error };
    }
    return ports;
  }
}
