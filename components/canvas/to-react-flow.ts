/** The pure pair between a flow and what React Flow draws. The flow is the truth; nodes and edges are its picture. */
import type { Edge, Node } from "@xyflow/react";
import { PLAIN_PORT } from "../../engine/flow/graph.ts";
import type { Flow, Link, Step } from "../../engine/flow/schema.ts";
import { definitionOf } from "../../engine/steps/registry.ts";
import { arrange } from "./arrange.ts";

/** Counts of a run at one step. */
export type StepCounts = { in: number; out: number; dead: number; held?: number; ports: { [port: string]: number } };

/** What is known about a step beside the flow itself. */
export type StepMark = {
  /** problems to mend, and the first of them in words */
  problems?: number;
  problem?: string;
  counts?: StepCounts;
  /** replaces the step's own line ("11 of 12 fields") */
  line?: string;
};
export type Marks = { [stepId: string]: StepMark };

/** How the run whose counts are shown goes: tints the counts, lets records flow along the links. */
export type RunLook = { running: boolean; dry: boolean };

export type StepData = {
  stepId: string;
  kind: string;
  title: string;
  line: string;
  ports: { name: string; title: string }[];
  takesIn: boolean;
  mark: StepMark;
  run: RunLook | null;
};
export type StepNode = Node<StepData, "step">;
export type LinkData = {
  count: number | null;
  title: string;
  run: RunLook | null;
  /** something is held over it and would go into it */
  aimed?: boolean;
};
export type FlowEdge = Edge<LinkData, "link">;

export const CARD = { width: 200, height: 84 };

/** The user's words for a step: its title, else its place, else its kind. */
export function titleOf(step: Step): string {
  if (step.title) return step.title;
  if (step.kind === "read" && step.connection) return `${step.connection} · ${step.stream}`;
  if (step.kind === "write" && step.connection) return `${step.connection} · ${step.sink}`;
  return definitionOf(step).title;
}

/**
 * Nodes and edges of a flow. Steps without a position are arranged beside those that have one.
 *
 * @param marks by step id
 * @param run absent: the counts in `marks` are not shown as a run
 * @param places positions, when they are known already
 */
export function toReactFlow(
  flow: Pick<Flow, "steps" | "links" | "layout">,
  marks: Marks = {},
  run: RunLook | null = null,
  places: NonNullable<Flow["layout"]> = arrange(flow, "missing"),
): { nodes: StepNode[]; edges: FlowEdge[] } {
  const steps = new Map(flow.steps.map((step) => [step.id, step]));
  const nodes = [...steps.values()].map((step): StepNode => {
    const definition = definitionOf(step);
    const [x, y] = places[step.id] ?? [0, 0];
    const mark = marks[step.id] ?? {};
    return {
      id: step.id,
      type: "step",
      position: { x, y },
      width: CARD.width,
      initialHeight: CARD.height,
      data: {
        stepId: step.id,
        kind: step.kind,
        title: titleOf(step),
        line: mark.line ?? definition.describe(step),
        ports: definition.ports(step),
        takesIn: definition.role !== "trigger",
        mark,
        run,
      },
    };
  });
  const seen = new Set<string>();
  const edges = flow.links.flatMap((link): FlowEdge[] => {
    const from = steps.get(link.from);
    const to = steps.get(link.to);
    const id = idOfLink(link);
    if (!from || !to || seen.has(id)) return [];
    seen.add(id);
    const port = link.port ?? PLAIN_PORT;
    const ports = definitionOf(from).ports(from);
    const portTitle = ports.length > 1 ? (ports.find(({ name }) => name === port)?.title ?? port) : "";
    const counts = marks[link.from]?.counts;
    const amount = counts ? (counts.ports[port] ?? (port === PLAIN_PORT ? counts.out : 0)) : null;
    return [
      {
        id,
        type: "link",
        source: link.from,
        target: link.to,
        sourceHandle: port,
        targetHandle: "in",
        ariaLabel: `Link from ${titleOf(from)}${portTitle ? `, ${portTitle},` : ""} to ${titleOf(to)}`,
        data: { count: amount, title: portTitle, run },
      },
    ];
  });
  return { nodes, edges };
}

/** Back again: the links that edges draw and where the nodes stand, in whole pixels. */
export function fromReactFlow({
  nodes,
  edges,
}: {
  nodes: Pick<StepNode, "id" | "position">[];
  edges: { source: string; target: string; sourceHandle?: string | null }[];
}): { links: Link[]; layout: NonNullable<Flow["layout"]> } {
  return {
    links: edges.map(linkOf),
    layout: Object.fromEntries(
      nodes.map(({ id, position }) => [id, [Math.round(position.x), Math.round(position.y)] as [number, number]]),
    ),
  };
}

/** The link an edge, or a line just drawn from port to port, means. */
export function linkOf(edge: { source: string; target: string; sourceHandle?: string | null }): Link {
  const port = edge.sourceHandle ?? PLAIN_PORT;
  return { from: edge.source, to: edge.target, ...(port === PLAIN_PORT ? {} : { port }) };
}

export function idOfLink({ from, to, port = PLAIN_PORT }: Link): string {
  return `${from} ${port} ${to}`;
}

/** Keeps the nodes that did not change, so that only changed cards are drawn again; what the hand did (selection, drag, size) stays. */
export function keepUnchanged(before: StepNode[], after: StepNode[]): StepNode[] {
  const known = new Map(before.map((node) => [node.id, node]));
  return after.map((node) => {
    const old = known.get(node.id);
    if (!old) return node;
    const position = old.dragging ? old.position : node.position;
    const moved = old.position.x !== position.x || old.position.y !== position.y;
    const changed = JSON.stringify(old.data) !== JSON.stringify(node.data);
    if (!moved && !changed) return old;
    return { ...old, position, ariaLabel: node.ariaLabel, data: changed ? node.data : old.data };
  });
}
