"use client";
import { Plus, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Field } from "../../connectors/sdk/types.ts";
import type { FieldMapping } from "../../engine/mapping/field-mapping.ts";
import type { Shape } from "../../engine/steps/define-step.ts";
import { fieldOptions } from "../editor/field-options.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { Combobox } from "../ui/combobox.tsx";
import { cx } from "../ui/cx.ts";
import { Input } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { Chips } from "./chips.tsx";
import { FormulaInput } from "./formula-input.tsx";
import { AddFunction } from "./function-menu.tsx";
import { asChain, asFormula, putFunction, readFixed, tableOf } from "./mapping-edits.ts";

type Mode = "field" | "formula" | "fixed";
const modes: { id: Mode; label: string }[] = [
  { id: "field", label: "Field" },
  { id: "formula", label: "Formula" },
  { id: "fixed", label: "Fixed value" },
];

/** Where one target gets its value from: a field with functions, a formula, or a fixed value; then a table and what stands for empty. */
export function RuleEditor({
  to,
  rule,
  target,
  shape,
  problem,
  onChange,
  onRemove,
}: {
  to: string;
  rule: FieldMapping | undefined;
  target: Field | undefined;
  shape: Shape;
  problem?: string;
  onChange: (rule: FieldMapping, typing?: string) => void;
  onRemove: () => void;
}) {
  const now: Mode = rule?.formula !== undefined ? "formula" : rule?.value !== undefined ? "fixed" : "field";
  const [mode, setMode] = useState<Mode>(now);
  useEffect(() => {
    if (rule) setMode(now);
  }, [now, rule]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.querySelector<HTMLInputElement>("input")?.focus({ preventScroll: true });
  }, []);
  const type = target?.type ?? "text";
  const chain = rule && asChain(rule);
  const change = (next: Mode) => {
    setMode(next);
    if (next === "formula" && rule && rule.formula === undefined) onChange(asFormula(rule));
    if (next === "field" && chain?.from !== undefined) onChange(chain);
  };
  const keep = rule ? { ...rule } : { to };
  const { from: _from, formula: _formula, value: _value, ...rest } = keep as FieldMapping;
  return (
    <div ref={box} className="space-y-3 border-t border-line bg-sunken px-3 py-3">
      <div className="flex flex-wrap items-center gap-2">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset's legend cannot stand in this layout */}
        <div
          role="group"
          aria-label={`Where ${to} comes from`}
          className="inline-flex rounded-control border border-edge bg-surface p-0.5"
        >
          {modes.map(({ id, label }) => (
            <button
              key={id}
              type="button"
              aria-pressed={mode === id}
              onClick={() => change(id)}
              className={cx(
                "h-6 rounded-mark px-2 text-work pointer-coarse:h-10",
                mode === id ? "bg-accent-soft font-medium text-accent-text" : "text-muted hover:text-ink",
              )}
            >
              {label}
            </button>
          ))}
        </div>
        {mode === "formula" && chain?.from !== undefined && (
          <Button onClick={() => onChange(chain)}>Show as field and functions</Button>
        )}
        {rule && (
          <Button look="quiet" icon={Trash2} onClick={onRemove} className="ml-auto">
            Remove the rule
          </Button>
        )}
      </div>
      {mode === "field" && (
        <Combobox
          label={`Source field for ${to}`}
          placeholder="Choose a source field"
          value={rule?.from ?? null}
          onChange={(from) => (from === null ? onRemove() : onChange({ ...rest, to, from }))}
          options={fieldOptions(shape, [rule?.from ?? ""])}
          free={shape.open}
          empty="No field has this name."
        />
      )}
      {rule && mode !== "fixed" && (
        <div className="flex flex-wrap items-center gap-1.5 md:hidden">
          <Chips rule={rule} onChange={onChange} readOnly={false} />
          <AddFunction
            label={`Add a function on ${to}, in the form`}
            onAdd={(item) => onChange(putFunction(rule, item))}
          />
        </div>
      )}
      {mode === "formula" && (
        <FormulaInput
          label={`Formula for ${to}`}
          value={rule?.formula ?? ""}
          placeholder="ROUND(NUMBER(total) * 1.19, 2)"
          fields={shape.open ? undefined : shape.fields}
          onChange={(formula) => (formula.trim() === "" ? onRemove() : onChange({ ...rest, to, formula }, "formula"))}
          problem={problem}
          autoFocus
        />
      )}
      {mode === "fixed" && (
        <Fixed
          to={to}
          type={type}
          options={target?.options}
          rule={rule}
          onChange={(value) => onChange({ ...rest, to, value }, "value")}
        />
      )}
      {rule && mode !== "fixed" && (
        <div className="grid gap-3 sm:grid-cols-2">
          <TableOfValues rule={rule} onChange={onChange} />
          <div>
            <label htmlFor={`empty-${to}`} className="mb-1 block text-work font-medium text-ink">
              When it is empty, take
            </label>
            <Input
              id={`empty-${to}`}
              mono
              placeholder="nothing"
              value={
                rule.whenEmpty === undefined
                  ? ""
                  : typeof rule.whenEmpty === "string"
                    ? rule.whenEmpty
                    : JSON.stringify(rule.whenEmpty)
              }
              onChange={(text) => {
                const { whenEmpty: _, ...without } = rule;
                onChange(text === "" ? without : { ...rule, whenEmpty: readFixed(text, type) }, "whenEmpty");
              }}
            />
          </div>
        </div>
      )}
    </div>
  );
}

function Fixed({
  to,
  type,
  options,
  rule,
  onChange,
}: {
  to: string;
  type: string;
  options: readonly string[] | undefined;
  rule: FieldMapping | undefined;
  onChange: (value: NonNullable<FieldMapping["value"]>) => void;
}) {
  const value = rule?.value;
  const shown =
    value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value);
  const choices = type === "boolean" ? ["true", "false"] : options;
  if (choices && choices.length > 0)
    return (
      <Select
        label={`Fixed value for ${to}`}
        value={shown}
        onChange={(text) => onChange(readFixed(text, type) ?? text)}
        options={choices.map((choice) => ({ value: choice, label: choice }))}
      />
    );
  return (
    <Input
      mono
      aria-label={`Fixed value for ${to}`}
      placeholder="The same for every record"
      value={shown ?? ""}
      onChange={(text) => onChange(readFixed(text, type) ?? text)}
    />
  );
}

/** A small table: this becomes that. A value it does not have is a reason, never passed on silently. */
function TableOfValues({
  rule,
  onChange,
}: {
  rule: FieldMapping;
  onChange: (rule: FieldMapping, typing?: string) => void;
}) {
  const given = typeof rule.table === "object" ? rule.table : undefined;
  const [pairs, setPairs] = useState(() =>
    Object.entries(given ?? {}).map(([from, to]) => ({ from, to: typeof to === "string" ? to : JSON.stringify(to) })),
  );
  const set = (next: { from: string; to: string }[]) => {
    setPairs(next);
    const table = tableOf(next);
    const { table: _, ...without } = rule;
    onChange(table ? { ...rule, table } : without, "table");
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset's legend cannot stand in this layout
    <div role="group" aria-label={`Table of values for ${rule.to}`}>
      <span className="mb-1 block text-work font-medium text-ink">Translate values</span>
      {pairs.map((pair, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pairs have no identity but their place
        <div key={index} className="mb-1 flex items-center gap-1">
          <Input
            mono
            aria-label={`Value ${index + 1}`}
            placeholder="EURO"
            value={pair.from}
            onChange={(from) => set(pairs.with(index, { ...pair, from }))}
          />
          <span aria-hidden className="text-faint">
            →
          </span>
          <Input
            mono
            aria-label={`becomes, ${index + 1}`}
            placeholder="EUR"
            value={pair.to}
            onChange={(to) => set(pairs.with(index, { ...pair, to }))}
          />
          <IconButton
            label={`Remove value ${index + 1}`}
            icon={Trash2}
            onClick={() => set(pairs.filter((_, place) => place !== index))}
          />
        </div>
      ))}
      <Button icon={Plus} onClick={() => setPairs([...pairs, { from: "", to: "" }])}>
        {pairs.length === 0 ? "With a small table" : "Another value"}
      </Button>
      {pairs.length > 0 && (
        <p className="mt-1 text-caption text-muted">
          A value that is not in the table makes the record wait under Failed.
        </p>
      )}
    </div>
  );
}
