import type { Field } from "../../connectors/sdk/types.ts";
import { compileMapping } from "../../engine/mapping/compile-mapping.ts";

export type FormulaProblem = { message: string; remedy: string; start: number | null };

/** The first thing wrong with a formula over these fields, with its place counted from 1; undefined when it is fine. */
export function formulaProblem(formula: string, fields: readonly Field[] | undefined): FormulaProblem | undefined {
  if (formula.trim() === "") return undefined;
  const [problem] = compileMapping([{ to: "result", formula }], { input: fields }).problems;
  if (!problem) return undefined;
  return {
    message: problem.message,
    remedy: problem.remedy,
    start: problem.position ? problem.position.start + 1 : null,
  };
}
