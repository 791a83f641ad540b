/** The part of a flow a preview depends on, so that an edit elsewhere asks the source nothing. */
import { graphOf, reach } from "../../engine/flow/graph.ts";
import type { Flow, Step } from "../../engine/flow/schema.ts";

/** The step and all that feeds it, without texts and positions. */
export function documentUpTo(flow: Flow, stepId: string): Flow {
  const needed = reach(graphOf(flow), [stepId], "back");
  const zone = flow.settings?.timeZone;
  return {
    format: flow.format,
    name: "Preview",
    steps: flow.steps.filter(({ id }) => needed.has(id)).map(withoutTitle),
    links: flow.links.filter(({ from, to }) => needed.has(from) && needed.has(to)),
    ...(zone ? { settings: { timeZone: zone } } : {}),
  };
}

/** The same for what enters a map step, whatever its own rules are: a stand-in of one fixed field takes its place. */
export function documentInto(flow: Flow, stepId: string): Flow {
  const document = documentUpTo(flow, stepId);
  const stand: Step = { id: stepId, kind: "map", fields: [{ to: "preview", value: true }] };
  return { ...document, steps: document.steps.map((step) => (step.id === stepId ? stand : step)) };
}

function withoutTitle(step: Step): Step {
  const { title: _, ...rest } = step;
  return rest as Step;
}
