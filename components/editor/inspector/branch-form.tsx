"use client";
import { Plus, Trash2 } from "lucide-react";
import type { BranchStep } from "../../../engine/steps/branch/schema.ts";
import { FormulaInput } from "../../mapper/formula-input.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { clean } from "./read-form.tsx";

type Branch = BranchStep["branches"][number];

/** Ways out, each with its condition, tried in order; the rest leaves by “Otherwise”. */
export function BranchForm({ step }: { step: BranchStep }) {
  const { act } = useEditor();
  const shape = useInput(step);
  const problems = useProblems(step.id);
  const set = (branches: Branch[], typing?: string) =>
    act({ type: "updateStep", step: { ...step, branches }, typing: typing && `${step.id} ${typing}` });
  const change = (index: number, part: Partial<Branch>, typing: string) =>
    set(step.branches.with(index, clean({ ...step.branches[index]!, ...part })), `${index} ${typing}`);
  const freePort = () => {
    const taken = new Set(step.branches.map(({ port }) => port));
    for (let number = step.branches.length + 1; ; number += 1) if (!taken.has(`way-${number}`)) return `way-${number}`;
  };
  return (
    <>
      {step.branches.map((branch, index) => (
        <fieldset key={branch.port} className="min-w-0 space-y-1.5 rounded-control border border-line p-2">
          <legend className="sr-only">Way {index + 1}</legend>
          <div className="flex gap-1.5">
            <Input
              aria-label={`Title of way ${index + 1}`}
              placeholder={branch.port}
              value={branch.title ?? ""}
              onChange={(title) => change(index, { title: title === "" ? undefined : title.slice(0, 200) }, "title")}
            />
            <IconButton
              label={`Remove way ${index + 1}`}
              icon={Trash2}
              onClick={() => set(step.branches.filter((_, place) => place !== index))}
            />
          </div>
          <FormulaInput
            label={`Condition of way ${index + 1}`}
            value={branch.where ?? ""}
            placeholder='country = "DE"'
            fields={shape.open ? undefined : shape.fields}
            onChange={(where) => change(index, { where: where.trim() === "" ? undefined : where }, "where")}
            problem={problems.of(branch.port) ?? problems.of(`branches[${index}].where`)}
          />
        </fieldset>
      ))}
      <Button icon={Plus} onClick={() => set([...step.branches, { port: freePort() }])}>
        Add a way
      </Button>
      {problems.of("branches") && <p className="text-caption text-bad-text">{problems.of("branches")}</p>}
      <Field label="A record for which several hold">
        <Select
          value={step.all ? "all" : "first"}
          onChange={(value) =>
            act({ type: "updateStep", step: clean({ ...step, all: value === "all" ? true : undefined }) })
          }
          options={[
            { value: "first", label: "takes the first way" },
            { value: "all", label: "takes all of them", hint: "It counts once, with the least good outcome" },
          ]}
        />
      </Field>
    </>
  );
}
