import type { StepDefinition } from "../../engine/steps/define-step.ts";
import { stepDefinitions } from "../../engine/steps/registry.ts";

export type StepKindInfo = Pick<StepDefinition, "kind" | "role" | "title" | "summary" | "icon" | "tint"> & {
  /** out-ports of a new step */
  ports: { name: string; title: string }[];
};

/** The step registry as plain data, in the order of the palette. */
export function stepKinds(): StepKindInfo[] {
  return stepDefinitions.map((definition) => {
    const { kind, role, title, summary, icon, tint } = definition;
    return { kind, role, title, summary, icon, tint, ports: definition.ports({ ...definition.draft(), id: "new" }) };
  });
}
