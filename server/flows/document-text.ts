/** A flow document as YAML, for the REST interface and for git. */
import { stringify } from "yaml";
import { parseFlow } from "../../engine/flow/read-draft.ts";
import { flowToYaml, readFlowText } from "../../engine/flow/text.ts";
import { Invalid } from "../errors.ts";

/** @throws Invalid naming line and column */
export function readYaml(text: string): unknown {
  const read = readFlowText(text);
  if (read.ok) return read.data;
  throw new Invalid(`${read.problem.message} ${read.problem.remedy}`, [], "not-yaml");
}

/** In the fixed order of a flow document; a draft that cannot be read as one is written as it is. */
export function writeYaml(document: unknown): string {
  const parsed = parseFlow(document);
  return parsed.ok ? flowToYaml(parsed.flow) : stringify(document, { version: "1.2", lineWidth: 0 });
}
