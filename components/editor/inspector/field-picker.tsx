"use client";
import { X } from "lucide-react";
import type { Shape } from "../../../engine/steps/define-step.ts";
import { Combobox } from "../../ui/combobox.tsx";
import { fieldOptions } from "../field-options.ts";

/** Several fields as chips, another one by its name. */
export function FieldPicker({
  label,
  chosen,
  shape,
  onChange,
  error,
  hint,
}: {
  label: string;
  chosen: readonly string[];
  shape: Shape;
  onChange: (chosen: string[]) => void;
  error?: string;
  hint?: string;
}) {
  const options = fieldOptions(shape).filter(({ value }) => !chosen.includes(value));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset's legend cannot stand in this layout
    <div role="group" aria-label={label} className="flex flex-col gap-1">
      <span className="text-work font-medium text-ink">{label}</span>
      {chosen.length > 0 && (
        <span className="flex flex-wrap gap-1">
          {chosen.map((name) => (
            <span
              key={name}
              className="inline-flex h-6 items-center gap-1 rounded-control bg-accent-soft pl-2 font-mono text-caption text-accent-text"
            >
              {name}
              <button
                type="button"
                aria-label={`Leave out ${name}`}
                onClick={() => onChange(chosen.filter((one) => one !== name))}
                className="flex size-6 items-center justify-center rounded-control hover:bg-hover"
              >
                <X aria-hidden className="size-3" />
              </button>
            </span>
          ))}
        </span>
      )}
      <Combobox
        key={chosen.length}
        label={`Add to: ${label}`}
        placeholder="Add a field"
        value={null}
        onChange={(name) => name && onChange([...chosen, name])}
        options={options}
        free
      />
      {error ? (
        <p className="text-caption text-bad-text">{error}</p>
      ) : (
        hint && <p className="text-caption text-muted">{hint}</p>
      )}
    </div>
  );
}
