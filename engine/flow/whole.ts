/**
 * Whether a run may be divided into stretches of its stream's key, worked on at once (docs/decisions/0008). Only when nothing
 * in the flow can tell: no step looks at more than one record, and no two records of the stream meet in a target.
 */
import type { Field, SinkInfo } from "../../connectors/sdk/types.ts";
import { readChainItem } from "../mapping/chain.ts";
import { FormulaError } from "../mapping/error.ts";
import type { ChainItem } from "../mapping/field-mapping.ts";
import { sinkOf, streamOf } from "../steps/connection.ts";
import type { FlowWorld, Shape } from "../steps/define-step.ts";
import type { MapStep } from "../steps/map/schema.ts";
import type { WriteStep } from "../steps/write/schema.ts";
import type { Graph } from "./graph.ts";
import { type Tracing, trace } from "./record-key.ts";
import type { Flow, Step, StepKind } from "./schema.ts";
import type { StepShapes } from "./validate.ts";

/** Kinds that treat each record by itself. A kind that is not named here keeps a run whole. */
const ALONE: ReadonlySet<StepKind> = new Set<StepKind>([
  "check",
  "filter",
  "branch",
  "map",
  "lookup",
  "split",
  "wait",
  "approve",
  "write",
]);

type Site = {
  flow: Flow;
  world: FlowWorld;
  graph: Graph;
  trigger: Step;
  shapes: { [stepId: string]: StepShapes };
  /** steps of the plan, in its order */
  steps: Step[];
};

/** Kinds that take a record anew when it comes again; a write that finds its record compares. */
const ANEW: ReadonlySet<StepKind> = new Set<StepKind>(["wait", "approve"]);

/**
 * Why the runs of this flow are worked on as a whole; null when they may be divided.
 *
 * @param first asked of the first load of an incremental read, which has no watermark to follow yet. What changes meanwhile
 * may be read once more by the run after it, which no step may take for a new record
 */
export function whyWhole({ flow, world, graph, trigger, shapes, steps }: Site, first = false): string | null {
  if (trigger.kind !== "read") return "it does not start by reading";
  if (trigger.sync === "changes") return "it reads what changed, in the order it was recorded";
  const follows = trigger.sync === "incremental";
  if (follows && !first) return "it reads in the order of its watermark";
  const { order, stopAt } = flow.settings ?? {};
  if (order === "by-key") return "records of one key stay in order";
  if (stopAt !== undefined) return "it halts at the very page at which too many records have failed";
  const stream = streamOf(world, trigger.connection, trigger.stream);
  if (!stream) return "nothing is known of its stream";
  const tracing: Tracing = {
    flow,
    graph,
    triggerId: trigger.id,
    before: (step, field) => unchangedBefore(step, field, shapes[step.id]?.input),
  };
  const uniques = [stream.key, ...stream.fields.filter(({ unique }) => unique).map(({ name }) => [name])];
  const types = new Map(stream.fields.map(({ name, type }) => [name, type]));
  const writes = steps.filter((step) => step.kind === "write");
  const sources = new Map<string, string>();
  for (const step of steps) {
    if (step === trigger) continue;
    if (!ALONE.has(step.kind)) return `step “${step.id}” (${step.kind}) works on all records of the run together`;
    if (step.kind === "check" && step.rules.some((rule) => "unique" in rule && rule.unique === true))
      return `step “${step.id}” looks for equal values in the whole run`;
    if (follows && (ANEW.has(step.kind) || (step.kind === "write" && step.operation === "insert")))
      return `step “${step.id}” would take a record for a new one that the next run reads once more`;
    if (step.kind !== "write") continue;
    const info = sinkOf(world, step.connection, step.sink);
    if (!info) return `nothing is known of the sink of step “${step.id}”`;
    if (step.connection === trigger.connection && step.sink === trigger.stream)
      return `step “${step.id}” writes to the stream that is read`;
    const refers = writes.find(({ connection, sink }) => connection === step.connection && info.refers?.includes(sink));
    if (refers) return `records of step “${step.id}” may need records of step “${refers.id}” to be there first`;
    const own = ownership(step, info, { tracing, uniques, types });
    const meets = meeting(step, info, own, shapes[step.id]?.input);
    if (meets) return meets;
    const place = JSON.stringify([step.connection, step.sink]);
    const from = JSON.stringify(
      (step.match ?? []).map((field) => [field, trace(tracing, step.id, field) ?? null]).sort(),
    );
    if ((sources.get(place) ?? from) !== from)
      return `two steps write to sink “${step.sink}” and find its records in different ways`;
    sources.set(place, from);
  }
  return null;
}

type Known = { tracing: Tracing; uniques: string[][]; types: ReadonlyMap<string, Field["type"]> };

/** Tells whether values of these fields of a sink come from one record of the stream only. */
function ownership(step: WriteStep, info: SinkInfo, { tracing, uniques, types }: Known) {
  const fields = new Map(info.fields.map((field) => [field.name, field.type]));
  return (names: readonly string[]): boolean => {
    const from = new Set<string>();
    for (const name of names) {
      const source = trace(tracing, step.id, name);
      if (source !== undefined && staysUnique(types.get(source), fields.get(name))) from.add(source);
    }
    return uniques.some((unique) => unique.length > 0 && unique.every((name) => from.has(name)));
  };
}

/** Texts that differ may be one number or one moment. */
const staysUnique = (from: Field["type"] | undefined, to: Field["type"] | undefined): boolean =>
  from !== undefined &&
  (to === undefined || to === from || (from === "integer" && (to === "text" || to === "decimal")));

/** How records of the stream could meet in a sink; undefined when they cannot. */
function meeting(
  step: WriteStep,
  info: SinkInfo,
  own: (names: readonly string[]) => boolean,
  input: Shape | undefined,
): string | undefined {
  const match = step.match ?? [];
  if (match.length > 0 && !own(match))
    return `several records may belong to one record of sink “${step.sink}” (step “${step.id}”)`;
  if (step.operation === "delete") return undefined;
  const arriving = new Set(input?.fields.map(({ name }) => name));
  const arrives = (name: string) => arriving.has(name) || input === undefined || input.open;
  for (const set of info.uniques ?? info.matchKeys) {
    const given = set?.filter((name) => arrives(name)) ?? [];
    if (set !== null && given.length === 0) continue;
    const harmless = step.operation === "insert" ? own(given) : given.every((name) => match.includes(name));
    if (set === null || !harmless)
      return `records may stand in each other's way in sink “${step.sink}”, where ${set?.join(", ") ?? "an expression"} must be unique (step “${step.id}”)`;
  }
  return undefined;
}

/** The field coming into a step whose very value leaves it as `field`, for steps that pass it on. */
function unchangedBefore(step: Step, field: string, input: Shape | undefined): string | undefined {
  const overlaps = (name: string) => name === field || name.startsWith(`${field}.`) || field.startsWith(`${name}.`);
  switch (step.kind) {
    case "map":
      return copiedFrom(step, field, input);
    case "lookup":
      if (step.as === undefined && step.take === undefined) return undefined;
      return [step.as ?? [], (step.take ?? []).map(({ to }) => to)].flat().some(overlaps) ? undefined : field;
    case "split":
      if (step.as === undefined || [step.as, step.field, step.number ?? ""].some(overlaps)) return undefined;
      return step.keep === undefined || step.keep.includes(field) ? field : undefined;
    default:
      return ALONE.has(step.kind) ? field : undefined;
  }
}

function copiedFrom(step: MapStep, field: string, input: Shape | undefined): string | undefined {
  const rule = step.fields.find(({ to }) => to === field);
  if (rule?.from === undefined || rule.table !== undefined || rule.whenEmpty !== undefined) return undefined;
  const apply = rule.apply ?? [];
  if (apply.length === 0) return rule.from;
  const type = input?.fields.find(({ name }) => name === rule.from)?.type;
  return (type === "text" || type === "integer") && apply.every(isPlainText) ? rule.from : undefined;
}

function isPlainText(item: ChainItem): boolean {
  try {
    const { definition, args } = readChainItem(item);
    return definition.name === "TEXT" && args.length === 0;
  } catch (error) {
    if (error instanceof FormulaError) return false;
    throw error;
  }
}
