import { graphOf, reach } from "../../engine/flow/graph.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import type { MapStep } from "../../engine/steps/map/schema.ts";
import type { WriteStep } from "../../engine/steps/write/schema.ts";

/** The write step a map makes its records for: the first reached without another map in between. */
export function targetOf(flow: Pick<Flow, "steps" | "links">, mapId: string): WriteStep | undefined {
  return targetsOf(flow)(mapId);
}

/** The same for many maps of one flow, whose graph is looked at once. */
export function targetsOf(flow: Pick<Flow, "steps" | "links">): (mapId: string) => WriteStep | undefined {
  const graph = graphOf(flow);
  const steps = new Map(flow.steps.map((step) => [step.id, step]));
  return (mapId) => {
    const seen = new Set([mapId]);
    const open = [mapId];
    for (let id = open.shift(); id !== undefined; id = open.shift()) {
      for (const { to } of graph.outgoing.get(id) ?? []) {
        if (seen.has(to)) continue;
        seen.add(to);
        const step = steps.get(to);
        if (step?.kind === "write") return step;
        if (step && step.kind !== "map") open.push(to);
      }
    }
    return undefined;
  };
}

/** The map that makes the records of a write step: the last one before it; undefined when there is none. */
export function mapBefore(flow: Pick<Flow, "steps" | "links">, writeId: string): MapStep | undefined {
  const before = reach(graphOf(flow), [writeId], "back");
  const target = targetsOf(flow);
  return flow.steps.find(
    (step): step is MapStep => step.kind === "map" && before.has(step.id) && target(step.id)?.id === writeId,
  );
}
