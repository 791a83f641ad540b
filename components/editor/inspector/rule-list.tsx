"use client";
import { Plus, Trash2 } from "lucide-react";
import type { Shape } from "../../../engine/steps/define-step.ts";
import type { Rule } from "../../../engine/steps/rules/schema.ts";
import { FormulaInput } from "../../mapper/formula-input.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { Checkbox } from "../../ui/toggles.tsx";
import { fieldOptions } from "../field-options.ts";
import { clean } from "./read-form.tsx";
import {
  hasBounds,
  kindOptions,
  type RuleKind,
  readBound,
  readValues,
  ruleKindOf,
  ruleKinds,
  ruleOfKind,
} from "./rule-words.ts";

/** Demands on fields, one after the other: field, kind, what it needs. */
export function RuleList({
  rules,
  onChange,
  shape,
  problemOf,
  conditions,
}: {
  rules: readonly Rule[];
  onChange: (rules: Rule[], typing?: string) => void;
  shape: Shape;
  problemOf: (field: string) => string | undefined;
  /** of a filter or branch: no uniqueness, no words of their own */
  conditions?: boolean;
}) {
  const first =
    shape.fields.find(({ name }) => !rules.some(({ field }) => field === name))?.name ?? shape.fields[0]?.name;
  return (
    <div className="space-y-2">
      {rules.map((rule, index) => (
        <RuleCard
          // biome-ignore lint/suspicious/noArrayIndexKey: rules have no identity but their place
          key={index}
          index={index}
          rule={rule}
          shape={shape}
          conditions={conditions}
          problem={rule.field === undefined ? problemOf("formula") : problemOf(rule.field)}
          onChange={(next, typing) => onChange(rules.with(index, next), typing && `${index} ${typing}`)}
          onRemove={() => onChange(rules.filter((_, place) => place !== index))}
        />
      ))}
      <Button icon={Plus} onClick={() => onChange([...rules, { ...(first ? { field: first } : {}), required: true }])}>
        Add a rule
      </Button>
    </div>
  );
}

function RuleCard({
  rule,
  index,
  shape,
  conditions,
  problem,
  onChange,
  onRemove,
}: {
  rule: Rule;
  index: number;
  shape: Shape;
  conditions?: boolean;
  problem?: string;
  onChange: (rule: Rule, typing?: string) => void;
  onRemove: () => void;
}) {
  const kind = ruleKindOf(rule);
  const name = rule.field ?? `rule ${index + 1}`;
  const set = (change: Partial<Rule>, typing?: string) => onChange(clean({ ...rule, ...change }), typing);
  const kinds = ruleKinds.filter(({ value }) => !conditions || value !== "unique");
  return (
    <fieldset data-field={rule.field} className="min-w-0 space-y-1.5 rounded-control border border-line p-2">
      <legend className="sr-only">Rule for {name}</legend>
      <div className="flex gap-1.5">
        {kind === "formula" ? (
          <span className="flex flex-1 items-center text-work text-muted">The record</span>
        ) : (
          <Combobox
            label={`Field of rule ${index + 1}`}
            value={rule.field ?? null}
            onChange={(field) => set({ field: field ?? undefined })}
            options={fieldOptions(shape, [rule.field ?? ""])}
            placeholder="Field"
            free
            className="flex-1"
          />
        )}
        <Select<RuleKind>
          label={`Kind of rule ${index + 1}`}
          value={kind}
          onChange={(next) => onChange(ruleOfKind(next, rule))}
          options={kinds}
          className="w-34!"
        />
        <IconButton label={`Remove the rule for ${name}`} icon={Trash2} onClick={onRemove} />
      </div>
      {(kind === "is" || kind === "range") && (
        <div className="flex gap-1.5">
          <Select
            label={`Kind of value of ${name}`}
            value={rule.is ?? "number"}
            onChange={(is) => set({ is })}
            options={kindOptions}
            className="flex-1"
          />
          {hasBounds(rule) && (
            <>
              <Input
                aria-label={`Least of ${name}`}
                placeholder="from"
                value={String(rule.min ?? "")}
                onChange={(text) => set({ min: readBound(text) }, "min")}
                className="w-20!"
              />
              <Input
                aria-label={`Most of ${name}`}
                placeholder="to"
                value={String(rule.max ?? "")}
                onChange={(text) => set({ max: readBound(text) }, "max")}
                className="w-20!"
              />
            </>
          )}
        </div>
      )}
      {kind === "length" && (
        <div className="flex gap-1.5">
          <Input
            aria-label={`Shortest ${name}`}
            placeholder="at least"
            inputMode="numeric"
            value={String(rule.minLength ?? "")}
            onChange={(text) => set({ minLength: readCount(text) }, "minLength")}
          />
          <Input
            aria-label={`Longest ${name}`}
            placeholder="at most"
            inputMode="numeric"
            value={String(rule.maxLength ?? "")}
            onChange={(text) => set({ maxLength: readCount(text) }, "maxLength")}
          />
        </div>
      )}
      {kind === "matches" && (
        <Input
          mono
          aria-label={`Pattern of ${name}`}
          value={rule.matches ?? ""}
          onChange={(matches) => set({ matches: matches === "" ? ".*" : matches.slice(0, 1000) }, "matches")}
        />
      )}
      {kind === "oneOf" && (
        <Input
          aria-label={`Values allowed for ${name}`}
          placeholder="EUR, USD, CHF"
          value={(rule.oneOf ?? []).join(", ")}
          onChange={(text) => set({ oneOf: readValuesTyped(text) }, "oneOf")}
        />
      )}
      {kind === "formula" && (
        <FormulaInput
          label={`Formula of rule ${index + 1}`}
          value={rule.formula ?? ""}
          fields={shape.open ? undefined : shape.fields}
          onChange={(formula) => formula.trim() !== "" && set({ formula }, "formula")}
          problem={problem}
        />
      )}
      {kind !== "formula" && kind !== "required" && (
        <span className="flex items-center gap-1.5 text-caption text-muted">
          <Checkbox
            label={`${name} may be empty`}
            checked={rule.optional ?? false}
            onChange={(optional) => set({ optional: optional || undefined })}
          />
          may be empty
        </span>
      )}
      {problem && kind !== "formula" && <p className="text-caption text-bad-text">{problem}</p>}
    </fieldset>
  );
}

function readCount(text: string): number | undefined {
  return /^\d{1,7}$/.test(text.trim()) ? Number(text) : undefined;
}

/** While a list is typed, a comma at its end must not be swallowed. */
function readValuesTyped(text: string): string[] {
  const values = text.split(",").map((value) => value.replace(/^ /, ""));
  return values.length === 0 ? [""] : values.length === 1 ? readValues(text) : values;
}
