/** Makes a plan of a flow: step executors in an order in which each comes after all that feed it. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { compileGrouping, type Grouping } from "../steps/collect/grouping.ts";
import { sinkOf } from "../steps/connection.ts";
import type { FlowWorld, Problem, Shape, StepDefinition, StepExecutor, StepRole } from "../steps/define-step.ts";
import { definitionOf } from "../steps/registry.ts";
import { type CompiledWrite, compileWrite } from "../steps/write/compile-write.ts";
import { type Graph, PLAIN_PORT, reach } from "./graph.ts";
import { compileRecordKey, sourceKeyOf } from "./record-key.ts";
import type { Timing } from "./schedule.ts";
import type { Flow, Step, StepKind } from "./schema.ts";
import { examine, type StepShapes } from "./validate.ts";
import { whyWhole } from "./whole.ts";

export type { CompiledWrite } from "../steps/write/compile-write.ts";

export type CompiledStep = {
  id: string;
  kind: StepKind;
  role: StepRole;
  /** the user's title, else the id: what messages call the step */
  title: string;
  definition: StepDefinition;
  step: Step;
  /** middle steps only. Call it once per page with all records that arrive, whatever link they came by. */
  executor?: StepExecutor;
  /** write steps only */
  write?: CompiledWrite;
  /** collect steps over a whole run only: the groups that leave at its end */
  grouping?: Grouping;
  /** by out-port, the steps that get its records. A port that leads nowhere has []: its records end here as filtered. */
  next: { [port: string]: string[] };
  /** by out-port, the steps it leads to that were cut from this plan */
  cutNext: { [port: string]: string[] };
  input: Shape;
  output: { [port: string]: Shape };
};

export type Plan = {
  flow: Flow;
  trigger: CompiledStep;
  /** topological, the trigger first */
  order: CompiledStep[];
  steps: ReadonlyMap<string, CompiledStep>;
  /** The key of a record as the trigger read it (order by key, journeys); null when it has none. */
  keyOf(record: JsonRecord): string | null;
  /** fields that tell records of the stream apart, [] when it declares none; null when the trigger does not read a stream */
  sourceKey: string[] | null;
  timing: Timing;
  /** why a run cannot be divided among workers; null when it can */
  whole: string | null;
  /** the same for the first load of an incremental read */
  wholeAtFirst: string | null;
  /** tolerant: steps left out because they, or one before them, have a problem; in the order of the document */
  cut: string[];
};

export type CompileOptions = {
  /** leave out every step that `upTo` does not depend on */
  upTo?: string;
  /** leave out steps with problems and all after them instead of refusing (drafts) */
  tolerant?: boolean;
  /** ids of steps that could not be read at all (`readDraft`); they count as steps with problems */
  broken?: Iterable<string>;
};

/**
 * A plan, or the problems that prevent it; with `tolerant` there may be both. Problems are those of `validateFlow`; with
 * `upTo` only steps that take part can prevent the plan. Never throws.
 */
export function compileFlow(
  flow: Flow,
  world: FlowWorld,
  options: CompileOptions = {},
): { plan?: Plan; problems: Problem[] } {
  const broken = new Set(options.broken ?? []);
  const { graph, stopped, shapes, problems } = examine(flow, world, { broken });
  const { upTo, tolerant = false } = options;
  if (upTo !== undefined && !graph.index.has(upTo)) {
    const message = `Flow: there is no step “${upTo.slice(0, 100)}” to run up to.`;
    return { problems: [...problems, { step: upTo, message, remedy: "Choose a step of this flow." }] };
  }
  const wanted = upTo === undefined ? new Set(graph.order) : reach(graph, [upTo], "back");
  const afterBroken = flow.links.filter(({ from }) => broken.has(from)).map(({ to }) => to);
  const unfit = reach(graph, [...stopped, ...afterBroken], "along");
  const refused = upTo === undefined ? problems.length > 0 || broken.size > 0 : [...wanted].some((id) => unfit.has(id));
  if (refused && !tolerant) return { problems };

  const included = graph.order.filter((id) => wanted.has(id) && !unfit.has(id));
  const trigger = flow.steps.find((step) => definitionOf(step).role === "trigger" && included.includes(step.id));
  if (!trigger) return { problems };
  const reached = reach(graph, [trigger.id], "along");
  const kept = new Set(included.filter((id) => reached.has(id)));
  const order = included
    .filter((id) => kept.has(id))
    .map((id) => compileStep(id, { flow, world, graph, shapes, kept, wanted }));
  const steps = new Map(order.map((step) => [step.id, step]));
  const site = { flow, world, graph, trigger, shapes, steps: order.map(({ step }) => step) };
  const plan: Plan = {
    flow,
    trigger: steps.get(trigger.id)!,
    order,
    steps,
    keyOf: compileRecordKey(flow, world, graph, trigger),
    sourceKey: sourceKeyOf(world, trigger),
    timing: timingOf(flow, trigger),
    whole: whyWhole(site),
    wholeAtFirst: whyWhole(site, true),
    cut: [...graph.index.keys(), ...broken].filter((id) => !kept.has(id) && (upTo === undefined || wanted.has(id))),
  };
  return { plan, problems };
}

type Site = {
  flow: Flow;
  world: FlowWorld;
  graph: Graph;
  shapes: { [stepId: string]: StepShapes };
  kept: ReadonlySet<string>;
  wanted: ReadonlySet<string>;
};

function compileStep(id: string, { flow, world, graph, shapes, kept, wanted }: Site): CompiledStep {
  const step = flow.steps[graph.index.get(id)!]!;
  const definition = definitionOf(step);
  const { input, output } = shapes[id]!;
  const next: { [port: string]: string[] } = {};
  const cutNext: { [port: string]: string[] } = {};
  const all = flow.links.filter(({ from }) => from === id);
  for (const { name } of definition.ports(step)) {
    const targets = [...new Set(all.filter(({ port }) => (port ?? PLAIN_PORT) === name).map(({ to }) => to))];
    next[name] = targets.filter((to) => kept.has(to));
    cutNext[name] = targets.filter((to) => !kept.has(to) && (wanted.has(to) || !graph.index.has(to)));
  }
  const executor = definition.compile?.({ step, input, world });
  return {
    id,
    kind: step.kind,
    role: definition.role,
    title: step.title ?? id,
    definition,
    step,
    ...(executor ? { executor } : {}),
    ...(step.kind === "write" ? { write: compileWrite(step, sinkOf(world, step.connection, step.sink), input) } : {}),
    ...(step.kind === "collect" && step.within === "run" ? { grouping: compileGrouping(step, input) } : {}),
    next,
    cutNext,
    input,
    output,
  };
}

/** When it starts by itself; what waits for events or changes has no time of its own. */
function timingOf(flow: Flow, trigger: Step): Timing {
  if (trigger.kind !== "read" || trigger.sync === "changes") return { kind: "by-hand" };
  const timeZone = trigger.timeZone ?? flow.settings?.timeZone;
  const zone = timeZone === undefined ? {} : { timeZone };
  if (trigger.cron !== undefined) return { kind: "cron", cron: trigger.cron, ...zone };
  if (trigger.every !== undefined) return { kind: "every", every: trigger.every, ...zone };
  return { kind: "by-hand" };
}
