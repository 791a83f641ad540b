import type { Field } from "../../../connectors/sdk/types.ts";
import { type CompiledMapping, compileMapping } from "../../mapping/compile-mapping.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import { defineStep, type Ended, type Problem, type Shape, type StepExecutor, type StepSite } from "../define-step.ts";
import { findField } from "../shape.ts";
import { atField, count, failureCode, sentence } from "../words.ts";
import { examples } from "./examples.ts";
import { type MapStep, mapSchema } from "./schema.ts";

export const mapStep = defineStep<MapStep>({
  kind: "map",
  role: "middle",
  title: "Map",
  summary: "Makes each record anew: fields renamed, cleaned, computed; only what is named passes.",
  icon: "arrow-right-left",
  tint: "violet",
  schema: mapSchema,
  ports: () => [{ name: "out", title: "Mapped" }],
  output: (site) => ({ out: shapeMapped(site) }),
  problems,
  compile,
  describe: (step) => count(step.fields.length, "field"),
  draft: () => ({ kind: "map", fields: [] }),
  examples,
});

function compiled({ step, input }: StepSite<MapStep>): CompiledMapping {
  return compileMapping(step.fields, { input: input.open ? undefined : input.fields });
}

/** The mapped fields; a copied field keeps its limits, a fixed text is known to the letter. */
function shapeMapped(site: StepSite<MapStep>): Shape {
  const known = new Map<string, Partial<Field>>();
  for (const { to, from, value, apply, table, whenEmpty } of site.step.fields) {
    if (apply?.length || table !== undefined || whenEmpty !== undefined) continue;
    if (typeof value === "string") known.set(to, { options: [value] });
    const found = from === undefined ? undefined : findField(site.input, from);
    if (found?.state === "known") known.set(to, limitsOf(found.field));
  }
  const fields = compiled(site).output.map((field) => ({ ...field, ...known.get(field.name) }));
  return { fields, open: false };
}

function limitsOf({ maxLength, precision, scale, options }: Field): Partial<Field> {
  return {
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(options === undefined ? {} : { options }),
  };
}

function problems(site: StepSite<MapStep>): Problem[] {
  const { step } = site;
  if (step.fields.length === 0) {
    const message = `${atField(step, "fields")}: expected at least one field mapping, found none, so nothing would pass.`;
    return [{ step: step.id, field: "fields", message, remedy: "Draw a line from a source field to a target field." }];
  }
  return compiled(site).problems.map(({ to, message, remedy, position }) => {
    const place = position ? ` (at character ${position.start + 1} of the formula)` : "";
    const text = `${atField(step, to)}: ${message.replace(/\.$/, "")}${place}.`;
    return { step: step.id, field: to, message: text, remedy: sentence(remedy) };
  });
}

function compile(site: StepSite<MapStep>): StepExecutor {
  const { step } = site;
  const mapping = compiled(site);
  return (batch, context) => {
    const out = emptyBatch();
    const ended: Ended[] = [];
    for (let index = 0; index < batch.records.length; index += 1) {
      const record = batch.records[index]!;
      const result = mapping.run(record, context);
      if (result.ok) push(out, result.record, batch.origins[index]!);
      else {
        const { field } = result;
        const code = failureCode(result.code);
        const message = `${atField(step, field)}: ${sentence(result.message)}`;
        ended.push(dead(record, batch.origins[index]!, { kind: "rejected", code, message, field }));
      }
    }
    return { out: { out }, ended };
  };
}
