/** Problems of how steps are linked, whatever they do. */
import { nearest } from "../mapping/nearest.ts";
import type { Problem } from "../steps/define-step.ts";
import { definitionOf } from "../steps/registry.ts";
import { list, stepName } from "../steps/words.ts";
import { type Graph, linkName, PLAIN_PORT, reach } from "./graph.ts";
import type { Flow, Link, Step } from "./schema.ts";

export type GraphFinding = {
  problem: Problem;
  /** the step cannot take part in a run; a missing way out, for one, does not prevent a preview */
  stops: boolean;
};

/** @param broken ids of steps that are there but could not be read: links may lead to them */
export function graphProblems(flow: Flow, graph: Graph, broken: ReadonlySet<string>): GraphFinding[] {
  const findings: GraphFinding[] = [];
  const find = (step: string, message: string, remedy: string, options: { field?: string; stops?: boolean } = {}) => {
    const { field, stops = true } = options;
    findings.push({ problem: { step, ...(field ? { field } : {}), message, remedy }, stops });
  };
  duplicateIds(flow, broken, find);
  triggers(flow, broken, find);
  const drawn = new Set<string>();
  for (const [index, link] of flow.links.entries()) {
    linkProblems(flow, graph, broken, link, index, find);
    const name = linkName(link);
    if (drawn.has(name)) {
      const owner = graph.index.has(link.from) ? link.from : "";
      const options = { field: `links[${index}]`, stops: false };
      find(owner, `Link ${link.from} → ${link.to}: the same link is there twice.`, "Remove one of the two.", options);
    }
    drawn.add(name);
  }
  for (const cycle of graph.cycles) {
    const shown = [...cycle, cycle[0]!].slice(0, 20).join(" → ");
    const [first, last] = [cycle[0]!, cycle.at(-1)!];
    find(
      first,
      `Step “${first}”: the steps form a cycle: ${shown}. Records would never end.`,
      `Remove the link ${last} → ${first}, or another of the cycle.`,
    );
  }
  wayProblems(flow, graph, broken, find);
  return findings;
}

type Find = (step: string, message: string, remedy: string, options?: { field?: string; stops?: boolean }) => void;

function duplicateIds(flow: Flow, broken: ReadonlySet<string>, find: Find): void {
  const seen = new Set<string>(broken);
  const told = new Set<string>();
  for (const { id } of flow.steps) {
    if (seen.has(id) && !told.has(id)) {
      told.add(id);
      find(id, `Step “${id}”: two steps have the id “${id}”.`, "Give one of them another id.", { field: "id" });
    }
    seen.add(id);
  }
}

function triggers(flow: Flow, broken: ReadonlySet<string>, find: Find): void {
  const found = flow.steps.filter((step) => definitionOf(step).role === "trigger");
  const [first, ...others] = found;
  if (!first && broken.size === 0) {
    find("", "Flow: expected one step that starts it, found none.", "Add a read step and link it to the others.", {
      field: "steps",
    });
  }
  for (const step of others) {
    if (step.id === first?.id) continue;
    const message = `${stepName(step)}: a flow has one step that starts it, and “${first!.id}” is one already.`;
    find(step.id, message, `Remove one of the two, or make “${step.id}” a flow of its own.`);
  }
}

function linkProblems(
  flow: Flow,
  graph: Graph,
  broken: ReadonlySet<string>,
  link: Link,
  index: number,
  find: Find,
): void {
  const field = `links[${index}]`;
  const known = [...graph.index.keys()];
  for (const end of ["from", "to"] as const) {
    const id = link[end];
    if (graph.index.has(id) || broken.has(id)) continue;
    const close = nearest(id, known);
    const other = end === "from" ? link.to : link.from;
    const owner = graph.index.has(other) ? other : "";
    const message = `Link ${link.from} → ${link.to}: there is no step “${id}”.`;
    find(owner, message, close ? `Did you mean “${close}”?` : "Remove the link, or add the step.", {
      field: `${field}.${end}`,
      stops: false,
    });
  }
  const from = stepOf(flow, graph, link.from);
  const to = stepOf(flow, graph, link.to);
  if (from && link.from === link.to) return; // reported as a cycle
  if (from) {
    const definition = definitionOf(from);
    const port = link.port ?? PLAIN_PORT;
    const ports = definition.ports(from).map(({ name }) => name);
    if (definition.role === "end") {
      find(
        from.id,
        `${stepName(from)}: nothing can follow it, but it is linked to “${link.to}”.`,
        "Remove the link, or link the step before it.",
        { field, stops: false },
      );
    } else if (!ports.includes(port)) {
      const close = link.port === undefined ? undefined : nearest(port, ports);
      const said =
        link.port === undefined
          ? `the link to “${link.to}” does not name its port`
          : `it has no port “${port}”, named by the link to “${link.to}”`;
      find(
        from.id,
        `${stepName(from)}: ${said}.`,
        close ? `Did you mean “${close}”?` : `Choose one of ${list(ports)}.`,
        { field: `${field}.port`, stops: false },
      );
    }
  }
  if (to && definitionOf(to).role === "trigger") {
    find(
      to.id,
      `${stepName(to)}: it starts the flow, so nothing can lead to it, but “${link.from}” is linked to it.`,
      "Remove the link.",
      { field },
    );
  }
}

/** Steps no record reaches, and steps from which none goes on. */
function wayProblems(flow: Flow, graph: Graph, broken: ReadonlySet<string>, find: Find): void {
  const throughBroken = flow.links.filter(({ from }) => broken.has(from)).map(({ to }) => to);
  const sources = flow.steps.filter((step) => definitionOf(step).role === "trigger").map(({ id }) => id);
  const reached = reach(graph, [...sources, ...throughBroken], "along");
  const leading = new Set(flow.links.filter(({ to }) => graph.index.has(to) || broken.has(to)).map(({ from }) => from));
  for (const id of graph.index.keys()) {
    const step = stepOf(flow, graph, id)!;
    const { role } = definitionOf(step);
    if (!reached.has(id)) {
      if (sources.length > 0)
        find(
          id,
          `${stepName(step)}: no record reaches it, no link leads here from the start.`,
          "Link it to a step before it, or remove it.",
        );
    }
    if (role !== "end" && !leading.has(id)) {
      const what =
        role === "trigger" ? "nothing follows it" : "nothing follows it, so its records would end as filtered";
      find(id, `${stepName(step)}: ${what}.`, "Link it to a write step, or to a step that leads to one.", {
        stops: false,
      });
    }
  }
}

function stepOf(flow: Flow, graph: Graph, id: string): Step | undefined {
  const at = graph.index.get(id);
  return at === undefined ? undefined : flow.steps[at];
}
