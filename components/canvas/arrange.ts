import { graphlib, layout as place } from "@dagrejs/dagre";
import type { Flow, Link } from "../../engine/flow/schema.ts";
import { definitionOf } from "../../engine/steps/registry.ts";

type Layout = NonNullable<Flow["layout"]>;
const card = { width: 200, height: 84 };
const gap = { across: 64, down: 44 };

/**
 * Positions left to right, in the order of the links.
 *
 * @param which "all": every step anew; "missing": steps that have a position keep it, and when none has, all are placed
 */
export function arrange(flow: Pick<Flow, "steps" | "links" | "layout">, which: "all" | "missing"): Layout {
  const known = flow.layout ?? {};
  const placed = flow.steps.filter(({ id }) => known[id] !== undefined);
  if (which === "missing" && placed.length === flow.steps.length)
    return Object.fromEntries(flow.steps.map(({ id }) => [id, known[id]!]));
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: gap.down, ranksep: gap.across });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(flow.steps.map(({ id }) => id));
  for (const id of ids) graph.setNode(id, { ...card });
  const links = flow.links.filter(({ from, to }) => ids.has(from) && ids.has(to) && from !== to);
  // In the order of the ports, so that what leaves by the upper port goes up.
  const rank = portRanks(flow.steps);
  for (const { from, to, port = "out" } of [...links].sort((a, b) => rank(a) - rank(b)))
    graph.setEdge(from, to, {}, port);
  // Where nothing joins again there is nothing to untangle, and the order of the ports shall stay.
  const joins = links.length > new Set(links.map(({ to }) => to)).size;
  place(graph, { disableOptimalOrderHeuristic: !joins } as Parameters<typeof place>[1]);
  const fresh: Layout = {};
  for (const id of ids) {
    const { x, y } = graph.node(id) as { x: number; y: number };
    fresh[id] = [Math.round(x - card.width / 2), Math.round(y - card.height / 2)];
  }
  if (which === "all" || placed.length === 0) return fresh;
  // Beside what stands already: new ones go below, in their own order.
  const below = Math.max(...placed.map(({ id }) => known[id]![1])) + card.height + gap.down;
  const missing = flow.steps.filter(({ id }) => known[id] === undefined);
  const top = Math.min(...missing.map(({ id }) => fresh[id]![1]));
  for (const { id } of placed) fresh[id] = known[id]!;
  for (const { id } of missing) fresh[id] = [fresh[id]![0], fresh[id]![1] - top + below];
  return fresh;
}

/** The flow with a position for every step, so that none moves by itself while others are edited. */
export function withPlaces<F extends Pick<Flow, "steps" | "links" | "layout">>(flow: F): F {
  return { ...flow, layout: arrange(flow, "missing") };
}

/** The place of a link's port among those of its step. */
function portRanks(steps: Flow["steps"]): (link: Link) => number {
  const ports = new Map(
    steps.map((step) => [
      step.id,
      definitionOf(step)
        .ports(step)
        .map(({ name }) => name),
    ]),
  );
  return ({ from, port = "out" }) => ports.get(from)?.indexOf(port) ?? 0;
}

/** A free place right of a step (or of everything when none is named). */
export function placeAfter(flow: Pick<Flow, "steps" | "links" | "layout">, after: string | null): [number, number] {
  const places = arrange(flow, "missing");
  const all = Object.values(places);
  const start = after === null ? undefined : places[after];
  const right = all.length === 0 ? -(card.width + gap.across) : Math.max(...all.map(([x]) => x));
  const row = all.length === 0 ? 0 : (all.find(([x]) => x === right)?.[1] ?? 0);
  const [x, y] = start ?? [right, row];
  const at: [number, number] = [x + card.width + gap.across, y];
  const taken = (place: [number, number]) =>
    all.some(([left, top]) => Math.abs(left - place[0]) < card.width && Math.abs(top - place[1]) < card.height);
  while (taken(at)) at[1] += card.height + gap.down;
  return at;
}
