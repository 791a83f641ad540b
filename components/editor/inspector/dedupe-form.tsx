"use client";
import type { DedupeStep } from "../../../engine/steps/dedupe/schema.ts";
import { Field } from "../../ui/field.tsx";
import { Select } from "../../ui/select.tsx";
import { Checkbox } from "../../ui/toggles.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { FieldPicker } from "./field-picker.tsx";
import { clean } from "./read-form.tsx";

/** Which fields tell records apart, and how strictly they are compared. */
export function DedupeForm({ step }: { step: DedupeStep }) {
  const { act } = useEditor();
  const shape = useInput(step);
  const problems = useProblems(step.id);
  const set = (change: Partial<DedupeStep>) => act({ type: "updateStep", step: clean({ ...step, ...change }) });
  const wrong = problems.of("keys") ?? step.keys.map((key) => problems.of(key)).find(Boolean);
  return (
    <>
      <FieldPicker
        label="Fields that tell records apart"
        chosen={step.keys}
        shape={shape}
        onChange={(keys) => set({ keys })}
        error={wrong}
      />
      <span className="flex items-center gap-2 text-work">
        <Checkbox
          label="Ignore capital letters"
          checked={step.ignoreCase ?? false}
          onChange={(on) => set({ ignoreCase: on || undefined })}
        />
        Ignore capital letters
      </span>
      <span className="flex items-center gap-2 text-work">
        <Checkbox
          label="Ignore blanks around a value"
          checked={step.trim ?? false}
          onChange={(on) => set({ trim: on || undefined })}
        />
        Ignore blanks around a value
      </span>
      <Field label="Compared with">
        <Select
          value={step.scope ?? "run"}
          onChange={(scope) => set({ scope })}
          options={[
            { value: "run", label: "records of the same run" },
            { value: "forever", label: "records of all runs of this flow" },
          ]}
        />
      </Field>
      <Field label="A record without any of them">
        <Select
          value={step.emptyKey ?? "pass"}
          onChange={(emptyKey) => set({ emptyKey })}
          options={[
            { value: "pass", label: "passes" },
            { value: "dead", label: "waits under Failed" },
          ]}
        />
      </Field>
    </>
  );
}
