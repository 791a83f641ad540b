/** Everything a hand can do to a flow, by name. Undo, keyboard and mouse all go through these. */
import { graphOf, PLAIN_PORT, reach } from "../../engine/flow/graph.ts";
import type { Flow, FlowSettings, Link, Step } from "../../engine/flow/schema.ts";
import { definitionOf } from "../../engine/steps/registry.ts";
import { titleOf } from "../canvas/to-react-flow.ts";

export type Command =
  /** a new step; `after` links it behind that step, between it and what follows when there is just one follower; `onto` puts it into that link */
  | { type: "addStep"; step: Step; at: [number, number]; after?: string | null; onto?: Link }
  /** a step with one link in and one out leaves no gap: what was before it leads to what came after */
  | { type: "removeSteps"; ids: string[]; links?: Link[] }
  | { type: "moveSteps"; layout: NonNullable<Flow["layout"]> }
  | { type: "linkSteps"; link: Link }
  | { type: "unlink"; link: Link }
  /** the step of the same id takes this form */
  | { type: "updateStep"; step: Step; typing?: string }
  | { type: "renameStep"; id: string; title: string }
  | { type: "renameFlow"; name: string }
  | { type: "setBrief"; brief: NonNullable<Flow["brief"]>; typing?: string }
  | { type: "setAssumptions"; assumptions: NonNullable<Flow["assumptions"]>; typing?: string }
  | { type: "setSettings"; settings: FlowSettings; typing?: string }
  /** another document in place of this one: an import, an older version */
  | { type: "replaceFlow"; flow: Flow };

/** The flow after the command; the same object when nothing changes. Never throws: what is not there is left alone. */
export function applyCommand(flow: Flow, command: Command): Flow {
  switch (command.type) {
    case "addStep":
      return addStep(flow, command);
    case "removeSteps":
      return removeSteps(flow, command.ids, command.links ?? []);
    case "moveSteps": {
      const ids = new Set(flow.steps.map(({ id }) => id));
      const moved = Object.entries(command.layout).filter(
        ([id, [x, y]]) => ids.has(id) && (flow.layout?.[id]?.[0] !== x || flow.layout[id][1] !== y),
      );
      return moved.length === 0 ? flow : { ...flow, layout: { ...flow.layout, ...Object.fromEntries(moved) } };
    }
    case "linkSteps":
      return canLink(flow, command.link) ? { ...flow, links: [...flow.links, command.link] } : flow;
    case "unlink": {
      const links = flow.links.filter((link) => !sameLink(link, command.link));
      return links.length === flow.links.length ? flow : { ...flow, links };
    }
    case "updateStep":
      return updateStep(flow, command.step);
    case "renameStep": {
      const step = flow.steps.find(({ id }) => id === command.id);
      if (!step) return flow;
      const { title: _, ...rest } = step;
      const title = command.title.trim().slice(0, 200);
      return updateStep(flow, (title === "" ? rest : { ...rest, title }) as Step);
    }
    case "renameFlow": {
      const name = command.name.trim().slice(0, 200);
      return name === "" || name === flow.name ? flow : { ...flow, name };
    }
    case "setBrief":
      return { ...flow, brief: command.brief };
    case "setAssumptions":
      return { ...flow, assumptions: command.assumptions };
    case "setSettings":
      return { ...flow, settings: command.settings };
    case "replaceFlow":
      return command.flow;
  }
}

/** Commands with the same mark, given in quick succession, are one step of undo: typing a word. */
export function typingOf(command: Command): string | null {
  return "typing" in command && command.typing !== undefined ? `${command.type} ${command.typing}` : null;
}

function addStep(flow: Flow, { step, at, after, onto }: Extract<Command, { type: "addStep" }>): Flow {
  if (flow.steps.some(({ id }) => id === step.id)) return flow;
  if (onto && flow.links.some((link) => sameLink(link, onto)) && definitionOf(step).role === "middle")
    return putInto(flow, step, at, onto);
  const added: Flow = { ...flow, steps: [...flow.steps, step], layout: { ...flow.layout, [step.id]: at } };
  const before = after ? flow.steps.find(({ id }) => id === after) : undefined;
  if (!before || definitionOf(step).role === "trigger") return added;
  const ports = definitionOf(before).ports(before);
  const used = (name: string) => flow.links.filter((link) => link.from === before.id && portOf(link) === name);
  const port = ports.find(({ name }) => used(name).length === 0) ?? ports[0];
  if (!port) return added;
  const link = linkBetween(before.id, port.name, step.id);
  const [follower, ...others] = used(port.name);
  const between = follower && others.length === 0 && definitionOf(step).role === "middle";
  if (!between) return { ...added, links: [...flow.links, link] };
  return putInto(flow, step, at, follower);
}

/** The step in the middle of a link: the link leads to it, and from it to where the link led. */
function putInto(flow: Flow, step: Step, at: [number, number], link: Link): Flow {
  const from = flow.layout?.[link.from];
  const beside = from !== undefined && Math.abs(at[1] - from[1]) < 100 && at[0] < from[0] + 220;
  const place: [number, number] = beside ? [from[0] + 264, at[1]] : at;
  const out = definitionOf(step).ports(step)[0]?.name ?? PLAIN_PORT;
  const links = [
    ...flow.links.filter((one) => !sameLink(one, link)),
    linkBetween(link.from, portOf(link), step.id),
    linkBetween(step.id, out, link.to),
  ];
  const steps = [...flow.steps, step];
  return pushOn({ ...flow, steps, links, layout: { ...flow.layout, [step.id]: place } }, step.id, link.to);
}

/** Makes room for a step put between two: what comes after it moves right. */
function pushOn(flow: Flow, id: string, next: string): Flow {
  const layout = flow.layout ?? {};
  const at = layout[id];
  const after = layout[next];
  if (!at || !after || after[0] >= at[0] + 220) return flow;
  const by = at[0] + 264 - after[0];
  const along = reach(graphOf(flow), [next], "along");
  return {
    ...flow,
    layout: Object.fromEntries(
      Object.entries(layout).map(([step, [x, y]]) => [step, along.has(step) ? [x + by, y] : [x, y]]),
    ),
  };
}

function removeSteps(flow: Flow, ids: string[], cut: Link[]): Flow {
  const gone = new Set(ids);
  const steps = flow.steps.filter(({ id }) => !gone.has(id));
  let links = flow.links.filter((link) => !cut.some((one) => sameLink(one, link)));
  for (const id of gone) links = closeGap(links, id);
  if (steps.length === flow.steps.length && links.length === flow.links.length) return flow;
  const layout = Object.fromEntries(Object.entries(flow.layout ?? {}).filter(([id]) => !gone.has(id)));
  return { ...flow, steps, links, layout };
}

/** The links without that step; when exactly one led to it and one from it, they become one. */
function closeGap(links: Link[], id: string): Link[] {
  const rest = links.filter(({ from, to }) => from !== id && to !== id);
  if (rest.length === links.length) return links;
  const [before, ...more] = links.filter(({ to }) => to === id);
  const [after, ...others] = links.filter(({ from }) => from === id);
  if (!before || !after || more.length + others.length > 0) return rest;
  const joined = linkBetween(before.from, portOf(before), after.to);
  return rest.some((link) => sameLink(link, joined)) ? rest : [...rest, joined];
}

/** Links that leave by a port the step no longer has go with it. */
function updateStep(flow: Flow, step: Step): Flow {
  const index = flow.steps.findIndex(({ id }) => id === step.id);
  if (index < 0) return flow;
  const ports = new Set(
    definitionOf(step)
      .ports(step)
      .map(({ name }) => name),
  );
  const links = flow.links.filter((link) => link.from !== step.id || ports.has(portOf(link)));
  return {
    ...flow,
    steps: flow.steps.with(index, step),
    links: links.length === flow.links.length ? flow.links : links,
  };
}

/** Whether this link can be drawn: its ends and its port exist, it is not there yet, and it closes no circle. */
export function canLink(flow: Flow, link: Link): boolean {
  return whyNotLink(flow, link) === null;
}

/** Why this link cannot be drawn, for the person who tried; null when it can. */
export function whyNotLink(flow: Flow, link: Link): string | null {
  const from = flow.steps.find(({ id }) => id === link.from);
  const to = flow.steps.find(({ id }) => id === link.to);
  if (!from || !to) return "One of the two steps is gone.";
  if (from === to) return `“${titleOf(from)}” cannot lead to itself.`;
  if (definitionOf(to).role === "trigger") return `“${titleOf(to)}” is where the flow starts; nothing leads into it.`;
  const ports = definitionOf(from).ports(from);
  if (!ports.some(({ name }) => name === portOf(link)))
    return ports.length === 0 ? `Records end in “${titleOf(from)}”; nothing follows it.` : "This port is gone.";
  if (flow.links.some((one) => sameLink(one, link))) return `“${titleOf(from)}” leads to “${titleOf(to)}” already.`;
  return reach(graphOf(flow), [to.id], "along").has(from.id)
    ? `“${titleOf(to)}” comes before “${titleOf(from)}”; a link back would send records in a circle.`
    : null;
}

function sameLink(a: Link, b: Link): boolean {
  return a.from === b.from && a.to === b.to && portOf(a) === portOf(b);
}

function portOf({ port }: Link): string {
  return port ?? PLAIN_PORT;
}

function linkBetween(from: string, port: string, to: string): Link {
  return { from, to, ...(port === PLAIN_PORT ? {} : { port }) };
}

/** An id that can be read in links, runs and the ledger: “orders”, “orders-2”. */
export function freshId(flow: Pick<Flow, "steps">, wish: string): string {
  const base =
    wish
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 48) || "step";
  const taken = new Set(flow.steps.map(({ id }) => id));
  if (!taken.has(base) && !(base in Object.prototype)) return base;
  for (let number = 2; ; number += 1) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
