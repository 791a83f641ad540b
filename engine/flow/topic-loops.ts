import type { FlowWorld, Listener, Problem } from "../steps/define-step.ts";
import { PLAIN_TYPE } from "../steps/topic.ts";
import { atField } from "../steps/words.ts";
import type { Flow } from "./schema.ts";

type Told = { topic: string; type: string };

/** A flow that publishes what starts it, by itself or by way of flows that listen, would never come to rest. */
export function topicLoops(flow: Flow, { listeners = [] }: Pick<FlowWorld, "listeners">): Problem[] {
  const heard = flow.steps.find((step) => step.kind === "event");
  if (!heard || heard.topic === "") return [];
  return flow.steps.flatMap((step) => {
    if (step.kind !== "publish" || step.topic === "") return [];
    const way = wayBack({ topic: step.topic, type: step.type ?? PLAIN_TYPE }, heard, listeners);
    if (!way) return [];
    const through = way.length === 0 ? "" : `, by way of ${way.map((name) => `“${name}”`).join(" and ")},`;
    const message = `${atField(step, "topic")}: the flow starts with events of “${heard.topic}” and${through} would start itself for ever.`;
    const remedy = "Publish to another topic, or listen to other types only.";
    return [{ step: step.id, field: "topic", message, remedy }];
  });
}

/** Names of the flows by which an event leads to one that `heard` takes; undefined when none does. */
function wayBack(told: Told, heard: Pick<Listener, "topic" | "types">, listeners: readonly Listener[]) {
  const open: { told: Told; way: string[] }[] = [{ told, way: [] }];
  const seen = new Set<string>();
  for (const { told: event, way } of open) {
    if (hears(heard, event)) return way;
    const name = JSON.stringify([event.topic, event.type]);
    if (seen.has(name)) continue;
    seen.add(name);
    for (const listener of listeners) {
      if (!hears(listener, event)) continue;
      for (const next of listener.publishes) open.push({ told: next, way: [...way, listener.name] });
    }
  }
  return undefined;
}

const hears = ({ topic, types }: Pick<Listener, "topic" | "types">, event: Told) =>
  event.topic === topic && (types === undefined || types.includes(event.type));
