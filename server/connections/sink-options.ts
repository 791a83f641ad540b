import { writeSchema } from "../../engine/steps/write/schema.ts";
import { formSchema } from "./connector-info.ts";

const ofTheStep = new Set(["id", "kind", "title", "connection"]);

/** The JSON Schema of what a write step says about its sink: which one, operation, match fields. The same for all connectors. */
export const sinkOptions = (() => {
  const {
    properties = {},
    required = [],
    ...rest
  } = formSchema(writeSchema) as {
    properties?: { [name: string]: unknown };
    required?: string[];
  };
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !ofTheStep.has(name))),
    required: required.filter((name) => !ofTheStep.has(name)),
  };
})();
