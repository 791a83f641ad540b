/** The key of a record as the trigger read it: what `order: by-key` keeps in order and a journey is looked up by. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { streamOf } from "../steps/connection.ts";
import type { FlowWorld } from "../steps/define-step.ts";
import { isEmpty, joinKey, keyText, readerOf } from "../steps/field-access.ts";
import { sourceOf } from "../steps/map/source-of.ts";
import type { Graph } from "./graph.ts";
import type { Flow, Step } from "./schema.ts";

/**
 * `settings.key`; else what is mapped to the first match field of the first write step; else the key of the stream.
 *
 * @returns a function that gives null for a record whose key is empty
 */
export function compileRecordKey(
  flow: Flow,
  world: FlowWorld,
  graph: Graph,
  trigger: Step,
): (record: JsonRecord) => string | null {
  const field = flow.settings?.key ?? matchedField(flow, graph, trigger.id);
  const ofStream = trigger.kind === "read" ? streamOf(world, trigger.connection, trigger.stream)?.key : undefined;
  const paths = field === undefined ? (ofStream ?? []) : [field];
  const readers = paths.map(readerOf);
  if (readers.length === 0) return () => null;
  return (record) => {
    const parts: string[] = [];
    for (const read of readers) {
      const value = read(record);
      if (value === undefined || isEmpty(value)) return null;
      parts.push(keyText(value));
    }
    return joinKey(parts);
  };
}

/** The fields by which the stream tells its records apart; [] when it declares none, null for a trigger without a stream. */
export function sourceKeyOf(world: FlowWorld, trigger: Step): string[] | null {
  if (trigger.kind !== "read") return null;
  return [...(streamOf(world, trigger.connection, trigger.stream)?.key ?? [])];
}

function matchedField(flow: Flow, graph: Graph, triggerId: string): string | undefined {
  for (const id of graph.order) {
    const step = flow.steps[graph.index.get(id)!]!;
    const match = step.kind === "write" ? step.match?.[0] : undefined;
    const source = match === undefined ? undefined : trace({ flow, graph, triggerId, before: written }, id, match);
    if (source !== undefined) return source;
  }
  return undefined;
}

/** Through a map also when it is written another way there; any other step leaves it as it is. */
const written = (step: Step, field: string) => (step.kind === "map" ? sourceOf(step, field) : field);

/** `before`: the field coming into a step that leaves it as `field`; undefined when there is none. */
export type Tracing = {
  flow: Flow;
  graph: Graph;
  triggerId: string;
  before(step: Step, field: string): string | undefined;
};

/** The trigger's field that a field arriving at a step comes from, when it is the same on every way. */
export function trace(
  tracing: Tracing,
  id: string,
  field: string,
  known = new Map<string, string | undefined>(),
): string | undefined {
  const place = `${id} ${field}`;
  if (known.has(place)) return known.get(place);
  known.set(place, undefined);
  const { flow, graph, triggerId, before } = tracing;
  const sources = new Set<string | undefined>();
  for (const { from } of graph.incoming.get(id)!) {
    const step = flow.steps[graph.index.get(from)!]!;
    if (from === triggerId) {
      sources.add(field);
      continue;
    }
    const earlier = before(step, field);
    sources.add(earlier === undefined ? undefined : trace(tracing, from, earlier, known));
  }
  const [source] = sources;
  const result = sources.size === 1 ? source : undefined;
  known.set(place, result);
  return result;
}
