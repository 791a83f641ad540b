"use client";
import type { CheckStep } from "../../../engine/steps/check/schema.ts";
import { Field } from "../../ui/field.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { RuleList } from "./rule-list.tsx";

/** Rules, and what becomes of a record that breaks one. */
export function CheckForm({ step }: { step: CheckStep }) {
  const { act } = useEditor();
  const shape = useInput(step);
  const problems = useProblems(step.id);
  return (
    <>
      <RuleList
        rules={step.rules}
        shape={shape}
        problemOf={problems.of}
        onChange={(rules, typing) =>
          act({ type: "updateStep", step: { ...step, rules }, typing: typing && `${step.id} ${typing}` })
        }
      />
      {problems.of("rules") && <p className="text-caption text-bad-text">{problems.of("rules")}</p>}
      <Field label="A record that breaks a rule">
        <Select
          value={step.otherwise ?? "dead"}
          onChange={(otherwise) => act({ type: "updateStep", step: { ...step, otherwise } })}
          options={[
            { value: "dead", label: "waits under Failed", hint: "With its reason, until somebody corrects it" },
            { value: "filter", label: "is filtered out", hint: "Counted, and not written" },
            { value: "port", label: "goes another way", hint: "By a port of its own, “failed”" },
          ]}
        />
      </Field>
    </>
  );
}
