import type { Field, JsonRecord } from "../../../connectors/sdk/types.ts";
import { compileFormula } from "../../mapping/compile-formula.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import { defineStep, type Ended } from "../define-step.ts";
import { readerOf } from "../field-access.ts";
import { findField, unknownField } from "../shape.ts";
import { count, formulaFailure } from "../words.ts";
import { type MapStep, mapSchema } from "./schema.ts";

// a stand-in until engine/mapping exports compileMapping
export const mapStep = defineStep<MapStep>({
  kind: "map",
  role: "middle",
  title: "Map",
  summary: "Makes each record anew, field by field.",
  icon: "arrow-right-left",
  tint: "violet",
  schema: mapSchema,
  ports: () => [{ name: "out", title: "Mapped" }],
  output: ({ step, input }) => ({
    out: {
      fields: step.fields.map((rule): Field => {
        const found = rule.from === undefined ? undefined : findField(input, rule.from);
        if (found?.state === "known") return { ...found.field, name: rule.to };
        if (typeof rule.value === "string") return { name: rule.to, type: "text" };
        if (rule.formula)
          return { name: rule.to, type: compileFormula(rule.formula, { input: input.fields }).type.type };
        return { name: rule.to, type: "any" };
      }),
      open: false,
    },
  }),
  problems: ({ step, input }) =>
    step.fields.flatMap((rule) => {
      if (rule.from) return unknownField(step, input, rule.from) ?? [];
      const [error] = rule.formula ? compileFormula(rule.formula, { input: input.fields }).problems : [];
      return error ? [{ step: step.id, field: rule.to, message: error.message, remedy: error.remedy ?? "" }] : [];
    }),
  compile: ({ step, input }) => {
    const rules = step.fields.map((rule) => ({
      to: rule.to,
      read: rule.from === undefined ? undefined : readerOf(rule.from),
      formula: rule.formula === undefined ? undefined : compileFormula(rule.formula, { input: input.fields }),
      value: rule.value,
    }));
    return (batch, context) => {
      const out = emptyBatch();
      const ended: Ended[] = [];
      for (const [index, record] of batch.records.entries()) {
        try {
          const mapped: JsonRecord = {};
          for (const rule of rules) {
            mapped[rule.to] = rule.read
              ? (rule.read(record) ?? null)
              : rule.formula
                ? rule.formula.evaluate(record, context)
                : (rule.value ?? null);
          }
          push(out, mapped, batch.origins[index]!);
        } catch (error) {
          ended.push(dead(record, batch.origins[index]!, formulaFailure(step, error)));
        }
      }
      return { out: { out }, ended };
    };
  },
  describe: (step) => count(step.fields.length, "field"),
  draft: () => ({ kind: "map", fields: [] }),
  examples: [
    {
      title: "stand-in",
      step: { kind: "map", fields: [{ to: "a", from: "b" }] },
      input: [{ b: 1 }],
      out: { out: [{ a: 1 }] },
    },
  ],
});
