import type { Problem } from "../steps/define-step.ts";
import { atField } from "../steps/words.ts";
import type { Flow } from "./schema.ts";

/** A flow that publishes what starts it would never come to rest. */
export function topicLoops(flow: Flow): Problem[] {
  const heard = flow.steps.find((step) => step.kind === "event");
  if (!heard || heard.topic === "") return [];
  return flow.steps.flatMap((step) => {
    if (step.kind !== "publish" || step.topic !== heard.topic) return [];
    if (heard.types && !heard.types.includes(step.type ?? "record")) return [];
    const message = `${atField(step, "topic")}: the flow starts with events of “${step.topic}” and would start itself for ever.`;
    const remedy = "Publish to another topic, or listen to other types only.";
    return [{ step: step.id, field: "topic", message, remedy }];
  });
}
