/** What prevents a flow from being published, and the fields at every point of it. */
import type { FlowWorld, Note, Problem, Shape } from "../steps/define-step.ts";
import { unheededDeletes } from "../steps/read/changes.ts";
import { definitionOf } from "../steps/registry.ts";
import { joinShapes, OPEN, unknownField } from "../steps/shape.ts";
import { type Graph, graphOf, PLAIN_PORT } from "./graph.ts";
import { graphProblems } from "./graph-problems.ts";
import { unansweredBrief } from "./read-draft.ts";
import type { Flow } from "./schema.ts";
import { topicLoops } from "./topic-loops.ts";

export type StepShapes = { input: Shape; output: { [port: string]: Shape } };

export type Validation = {
  /** in the order of the document, those of the whole flow first */
  problems: Problem[];
  notes: Note[];
  /** by step id */
  shapes: { [stepId: string]: StepShapes };
};

export type ValidateOptions = {
  /** ids of steps that could not be read (`readDraft`): links may lead to them, and what comes after them is unknown */
  broken?: Iterable<string>;
};

/** Never throws; problems name step, field, and what to do. A connection of which nothing is known leaves shapes open. */
export function validateFlow(flow: Flow, world: FlowWorld, options: ValidateOptions = {}): Validation {
  const { problems, notes, shapes } = examine(flow, world, options);
  return { problems, notes, shapes };
}

/** `validateFlow` with all that prevents publishing: the questions of the brief that are not answered as well. */
export function validateToPublish(flow: Flow, world: FlowWorld, options: ValidateOptions = {}): Validation {
  const { problems, notes, shapes } = examine(flow, world, options);
  return { problems: [...briefProblems(flow), ...problems], notes, shapes };
}

/** What prevents publishing: all problems, and the questions of the brief that are not answered. */
export function publishProblems(flow: Flow, world: FlowWorld, options: ValidateOptions = {}): Problem[] {
  return validateToPublish(flow, world, options).problems;
}

const QUESTIONS = {
  moves: "What moves?",
  direction: "In which direction?",
  timing: "When?",
  onFailure: "What happens on failure?",
  owner: "Who watches it?",
  rollback: "How is it undone?",
} as const;

function briefProblems(flow: Flow): Problem[] {
  return unansweredBrief(flow).map((field) => ({
    step: "",
    field: `brief.${field}`,
    message: `Flow, field “brief.${field}”: expected an answer to “${QUESTIONS[field]}”, found none.`,
    remedy: "Answer it in the brief; all six questions are needed to publish.",
  }));
}

/** `validateFlow` with what compiling needs besides: the graph, and the steps that cannot run. */
export function examine(
  flow: Flow,
  world: FlowWorld,
  options: ValidateOptions,
): Validation & { graph: Graph; stopped: Set<string> } {
  const broken = new Set(options.broken ?? []);
  const graph = graphOf(flow);
  const found = graphProblems(flow, graph, broken);
  const stopped = new Set(found.filter(({ stops }) => stops).map(({ problem }) => problem.step));
  const knotted = [...graph.index.keys()].filter((id) => !graph.order.includes(id));
  const shapes: { [stepId: string]: StepShapes } = Object.create(null);
  const own = new Map<string, Problem[]>();
  const notes: Note[] = [];
  for (const id of [...graph.order, ...knotted]) {
    const step = flow.steps[graph.index.get(id)!]!;
    const definition = definitionOf(step);
    const site = { step, input: inputOf(id, flow, graph, shapes, broken), world };
    shapes[id] = { input: site.input, output: definition.output(site) };
    const problems = definition.problems(site);
    if (problems.length > 0) stopped.add(id);
    own.set(id, problems);
    notes.push(...(definition.notes?.(site) ?? []));
  }
  for (const id of knotted) stopped.add(id);
  notes.push(...unheededDeletes(flow));
  const problems = [
    ...found.map(({ problem }) => problem).filter(({ step }) => step === ""),
    ...settingsProblems(flow, shapes),
  ];
  const linked = Map.groupBy([...found.map(({ problem }) => problem), ...topicLoops(flow, world)], ({ step }) => step);
  for (const id of graph.index.keys()) problems.push(...(linked.get(id) ?? []), ...(own.get(id) ?? []));
  return { problems, notes, shapes, graph, stopped };
}

/** What arrives at a step: the union over its links; open when part of it is not known. */
function inputOf(
  id: string,
  flow: Flow,
  graph: Graph,
  shapes: { [stepId: string]: StepShapes },
  broken: ReadonlySet<string>,
): Shape {
  const links = graph.incoming.get(id)!;
  const arriving = links.map(({ from, port }) => shapes[from]?.output[port ?? PLAIN_PORT] ?? OPEN);
  if (broken.size > 0 && flow.links.some(({ from, to }) => to === id && broken.has(from))) arriving.push(OPEN);
  return joinShapes(arriving);
}

function settingsProblems(flow: Flow, shapes: { [stepId: string]: StepShapes }): Problem[] {
  const { settings } = flow;
  if (settings?.key === undefined) return [];
  const trigger = flow.steps.find((step) => definitionOf(step).role === "trigger");
  const shape = trigger && shapes[trigger.id]?.output[PLAIN_PORT];
  if (!trigger || !shape) return [];
  const unknown = unknownField({ id: trigger.id }, shape, settings.key);
  if (!unknown) return [];
  const message = `Flow, field “settings.key”: expected a field of the records “${trigger.id}” reads, found “${settings.key}”.`;
  return [{ step: "", field: "settings.key", message, remedy: unknown.remedy }];
}
