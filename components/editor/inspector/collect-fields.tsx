"use client";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { CollectField, CollectStep } from "../../../engine/steps/collect/schema.ts";
import { FormulaInput } from "../../mapper/formula-input.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { fieldOptions } from "../field-options.ts";
import { clean } from "./read-form.tsx";
import { nameFor } from "./row-names.ts";

type Kind = NonNullable<CollectField["take"]> | "formula";

const kinds: { value: Kind; label: string; hint?: string }[] = [
  { value: "sum", label: "the sum of" },
  { value: "count", label: "how many records" },
  { value: "first", label: "the first" },
  { value: "last", label: "the last" },
  { value: "min", label: "the smallest" },
  { value: "max", label: "the largest" },
  { value: "list", label: "a list of all" },
  { value: "formula", label: "a formula", hint: "Over the group’s records: SUM(items.qty * items.price)" },
];

const isComplete = ({ to, take, from, formula }: CollectField) =>
  to !== "" && (take === undefined ? Boolean(formula) : take === "count" || Boolean(from));

/** Fields of a group's record: how they come about, of which field, and what they are called. A row that is not complete is kept here only. */
export function CollectFields({ step }: { step: CollectStep }) {
  const { act, readOnly } = useEditor();
  const problems = useProblems(step.id);
  const shape = useInput(step);
  const [rows, setRows] = useState<CollectField[]>(step.fields);
  // what was changed elsewhere, by undo for instance, is what counts
  const shown = JSON.stringify(rows.filter(isComplete)) === JSON.stringify(step.fields) ? rows : step.fields;
  const set = (next: CollectField[], typing?: string) => {
    setRows(next);
    const fields = next.filter(isComplete);
    if (JSON.stringify(fields) === JSON.stringify(step.fields)) return;
    act({ type: "updateStep", step: { ...step, fields }, typing: typing && `${step.id} fields ${typing}` });
  };
  const change = (at: number, part: Partial<CollectField>, typing?: string) =>
    set(
      shown.map((row, index) => (index === at ? clean({ ...row, ...part }) : row)),
      typing,
    );
  const named = (at: number, path: string) => {
    const others = shown.filter((_, index) => index !== at).map(({ to }) => to);
    return shown[at]?.to === "" && path !== "" ? { to: nameFor(path, [...others, ...step.by]) } : {};
  };
  const chooseKind = (at: number, kind: Kind) => {
    if (kind === "formula") return change(at, { take: undefined, from: undefined, formula: "" });
    if (kind === "count") return change(at, { take: kind, from: undefined, formula: undefined, ...named(at, "count") });
    return change(at, { take: kind, formula: undefined });
  };
  return (
    <section aria-label="Fields of each group" data-field="fields" className="flex flex-col gap-2">
      <h3 className="text-work font-medium text-ink">Fields of each group</h3>
      {shown.map((row, index) => {
        const { to, take, from } = row;
        const error = (to && problems.of(to)) || (from && problems.of(from));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
          <fieldset key={index} className="min-w-0 space-y-1.5 rounded-control border border-line p-2">
            <legend className="sr-only">Field {index + 1}</legend>
            <div className="flex gap-1.5">
              <Select
                label={`What of the group, ${index + 1}`}
                value={take ?? "formula"}
                onChange={(kind) => chooseKind(index, kind)}
                options={kinds}
                disabled={readOnly}
              />
              <IconButton
                label={to === "" ? "Remove the empty row" : `Remove ${to}`}
                icon={Trash2}
                onClick={() => set(shown.filter((_, at) => at !== index))}
              />
            </div>
            {take === undefined && (
              <FormulaInput
                label={`Formula, ${index + 1}`}
                value={row.formula ?? ""}
                placeholder="SUM(items.qty * items.price)"
                fields={undefined}
                onChange={(formula) => change(index, { formula }, `${index} formula`)}
                problem={error || undefined}
              />
            )}
            {take !== undefined && take !== "count" && (
              <Combobox
                label={`Of which field, ${index + 1}`}
                placeholder="field of the records"
                value={from === undefined || from === "" ? null : from}
                onChange={(next) => change(index, { from: next ?? undefined, ...named(index, next ?? "") })}
                options={fieldOptions(shape, from ? [from] : [])}
                free
                disabled={readOnly}
              />
            )}
            <Input
              mono
              aria-label={`Its name, ${index + 1}`}
              placeholder="its name in the group’s record"
              value={to}
              onChange={(next) => change(index, { to: next.trim() }, `${index} to`)}
            />
            {take !== undefined && error && <p className="text-caption text-bad-text">{error}</p>}
          </fieldset>
        );
      })}
      {problems.of("fields") ? (
        <p className="text-caption text-bad-text">{problems.of("fields")}</p>
      ) : (
        <p className="text-caption text-muted">Beside those it is grouped by.</p>
      )}
      {!readOnly && (
        <div>
          <Button icon={Plus} onClick={() => setRows([...shown, { to: "", take: "sum" }])}>
            Add a field
          </Button>
        </div>
      )}
    </section>
  );
}
