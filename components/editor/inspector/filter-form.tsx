"use client";
import type { FilterStep } from "../../../engine/steps/filter/schema.ts";
import { FormulaInput } from "../../mapper/formula-input.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { clean } from "./read-form.tsx";
import { RuleList } from "./rule-list.tsx";
import { asCondition } from "./rule-words.ts";

/** Which records pass: a formula, drawn rules, or both. */
export function FilterForm({ step }: { step: FilterStep }) {
  const { act } = useEditor();
  const shape = useInput(step);
  const problems = useProblems(step.id);
  const set = (change: Partial<FilterStep>, typing?: string) =>
    act({ type: "updateStep", step: clean({ ...step, ...change }), typing: typing && `${step.id} ${typing}` });
  return (
    <>
      <div>
        <h3 className="mb-1 text-work font-medium text-ink">Records pass when</h3>
        <FormulaInput
          label="Formula of the filter"
          value={step.where ?? ""}
          placeholder="total > 100"
          fields={shape.open ? undefined : shape.fields}
          onChange={(where) => set({ where: where.trim() === "" ? undefined : where }, "where")}
          problem={problems.of("where")}
        />
      </div>
      <div>
        <h3 className="mb-1 text-work font-medium text-ink">and every rule holds</h3>
        <RuleList
          conditions
          rules={step.rules ?? []}
          shape={shape}
          problemOf={problems.of}
          onChange={(rules, typing) => set({ rules: rules.length === 0 ? undefined : rules.map(asCondition) }, typing)}
        />
      </div>
    </>
  );
}
