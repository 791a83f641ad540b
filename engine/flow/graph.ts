/** The graph of a flow: who feeds whom, an order, cycles. Links that lead nowhere are left out (validation reports them). */
import type { Flow, Link } from "./schema.ts";

export const PLAIN_PORT = "out";

export type Graph = {
  /** by id; of several steps with one id the first counts */
  index: ReadonlyMap<string, number>;
  /** links whose two ends exist, without exact repetitions */
  links: Link[];
  outgoing: ReadonlyMap<string, Link[]>;
  incoming: ReadonlyMap<string, Link[]>;
  /** ids such that each comes after all that feed it; steps on a cycle and after one are missing */
  order: string[];
  /** one cycle for each knot of the graph, as ids: ["a", "b"] means a → b → a */
  cycles: string[][];
};

/** Two links of one name carry the same records. */
export function linkName({ from, to, port }: Link): string {
  return `${from} ${port ?? PLAIN_PORT} ${to}`;
}

export function graphOf(flow: Pick<Flow, "steps" | "links">): Graph {
  const index = new Map<string, number>();
  for (const [at, { id }] of flow.steps.entries()) if (!index.has(id)) index.set(id, at);
  const outgoing = new Map<string, Link[]>();
  const incoming = new Map<string, Link[]>();
  for (const id of index.keys()) {
    outgoing.set(id, []);
    incoming.set(id, []);
  }
  const links: Link[] = [];
  const seen = new Set<string>();
  for (const link of flow.links) {
    const name = linkName(link);
    if (seen.has(name) || !index.has(link.from) || !index.has(link.to)) continue;
    seen.add(name);
    links.push(link);
    outgoing.get(link.from)!.push(link);
    incoming.get(link.to)!.push(link);
  }
  const order = sort(index, outgoing, incoming);
  const cycles = order.length === index.size ? [] : findCycles(index, outgoing, new Set(order));
  return { index, links, outgoing, incoming, order, cycles };
}

/** Kahn's algorithm; among steps that are ready the one first in the document goes first. */
function sort(
  index: ReadonlyMap<string, number>,
  outgoing: ReadonlyMap<string, Link[]>,
  incoming: ReadonlyMap<string, Link[]>,
): string[] {
  const waiting = new Map([...incoming].map(([id, links]) => [id, links.length]));
  const ready = [...index.keys()].filter((id) => waiting.get(id) === 0);
  const order: string[] = [];
  for (let at = 0; at < ready.length; at += 1) {
    const id = ready[at]!;
    order.push(id);
    for (const { to } of outgoing.get(id)!) {
      const left = waiting.get(to)! - 1;
      waiting.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return order;
}

/** Walks in depth, without recursion; a link back to a step on the way closes a cycle. */
function findCycles(
  index: ReadonlyMap<string, number>,
  outgoing: ReadonlyMap<string, Link[]>,
  sorted: ReadonlySet<string>,
): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>(sorted);
  for (const start of index.keys()) {
    if (done.has(start)) continue;
    const path: string[] = [start];
    const places = new Map([[start, 0]]);
    const next = [0];
    let closed = false;
    while (path.length > 0) {
      const id = path.at(-1)!;
      const links = outgoing.get(id)!;
      const at = next[next.length - 1]!;
      if (at >= links.length) {
        done.add(id);
        places.delete(id);
        path.pop();
        next.pop();
        continue;
      }
      next[next.length - 1] = at + 1;
      const { to } = links[at]!;
      const place = places.get(to);
      if (place !== undefined) {
        if (!closed) cycles.push(path.slice(place));
        closed = true;
      } else if (!done.has(to)) {
        places.set(to, path.length);
        path.push(to);
        next.push(0);
      }
    }
  }
  return cycles;
}

/** `start` and all that can be reached from it, along or (`back`) against the links. */
export function reach(graph: Graph, start: Iterable<string>, direction: "along" | "back"): Set<string> {
  const reached = new Set<string>();
  const open = [...start].filter((id) => graph.index.has(id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    const links = direction === "along" ? graph.outgoing.get(id)! : graph.incoming.get(id)!;
    for (const link of links) open.push(direction === "along" ? link.to : link.from);
  }
  return reached;
}
