"use client";
import { CircleAlert } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { Field } from "../../connectors/sdk/types.ts";
import { FormulaField } from "./formula-field.tsx";
import { formulaProblem } from "./formula-problem.ts";

/** A formula with what is wrong with it below, as it is typed. An empty one is told as such. */
export function FormulaInput({
  value,
  onChange,
  fields,
  label,
  placeholder,
  problem,
  autoFocus,
}: {
  value: string;
  onChange: (value: string) => void;
  fields: readonly Field[] | undefined;
  label: string;
  placeholder?: string;
  /** what the flow's validation says, when the formula by itself is fine */
  problem?: string;
  autoFocus?: boolean;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const own = useMemo(() => formulaProblem(text, fields), [text, fields]);
  const said = own
    ? `${own.start === null ? "" : `Character ${own.start}: `}${own.message.replace(/\.$/, "")}. ${own.remedy}`
    : problem;
  return (
    <div className="min-w-0">
      <FormulaField
        value={text}
        onChange={(next) => {
          setText(next);
          onChange(next);
        }}
        fields={fields}
        label={label}
        placeholder={placeholder}
        invalid={Boolean(said)}
        autoFocus={autoFocus}
      />
      {said && (
        <p role="status" className="mt-1 flex gap-1 text-caption text-bad-text">
          <CircleAlert aria-hidden className="mt-0.5 size-3 shrink-0" />
          <span className="min-w-0 break-words">{said}</span>
        </p>
      )}
    </div>
  );
}
