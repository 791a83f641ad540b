"use client";
import { ArrowRight, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { LookupStep } from "../../../engine/steps/lookup/schema.ts";
import { Button, IconButton } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { Input } from "../../ui/input.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { fieldOptions } from "../field-options.ts";
import { clean } from "./read-form.tsx";
import { nameFor } from "./row-names.ts";

type Taken = { from: string; to: string };

/** What a lookup takes from the record found: a field there, and what it is called here. A row that is not complete is kept here only. */
export function TakeFields({ step }: { step: LookupStep }) {
  const { act, places, readOnly } = useEditor();
  const problems = useProblems(step.id);
  const input = useInput(step);
  const stream = places.places
    .find(({ name }) => name === step.connection)
    ?.streams?.find(({ name }) => name === step.stream);
  const known: Taken[] = step.take ?? [];
  const [rows, setRows] = useState(known);
  const complete = rows.filter(({ from, to }) => from !== "" && to !== "");
  // what was changed elsewhere, by undo for instance, is what counts
  const shown = JSON.stringify(complete) === JSON.stringify(known) ? rows : known;
  const set = (next: Taken[], typing?: string) => {
    setRows(next);
    const take = next.filter(({ from, to }) => from !== "" && to !== "");
    if (JSON.stringify(take) === JSON.stringify(known)) return;
    const changed = clean({ ...step, take: take.length === 0 ? undefined : take });
    act({ type: "updateStep", step: changed, typing: typing && `${step.id} take ${typing}` });
  };
  const change = (at: number, part: Partial<Taken>, typing?: string) =>
    set(
      shown.map((row, index) => (index === at ? { ...row, ...part } : row)),
      typing,
    );
  const choose = (at: number, from: string) => {
    const row = shown[at];
    const taken = [
      ...shown.filter((_, index) => index !== at).map(({ to }) => to),
      ...input.fields.map(({ name }) => name),
    ];
    change(at, { from, ...(row?.to === "" && from !== "" && { to: nameFor(from, taken) }) });
  };
  const error = problems.of("take") ?? problems.of("as");
  return (
    <section aria-label="Fields it adds" data-field="take" className="flex flex-col gap-1.5">
      <h3 className="text-work font-medium text-ink">Fields it adds</h3>
      {shown.map(({ from, to }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
        <div key={index} className="flex items-center gap-1.5">
          <Combobox
            label={`Field there to take, ${index + 1}`}
            placeholder="field there"
            value={from === "" ? null : from}
            onChange={(next) => choose(index, next ?? "")}
            options={fieldOptions({ fields: stream?.fields ?? [], open: true }, [from])}
            free
            disabled={readOnly}
          />
          <ArrowRight aria-label="becomes" className="size-3.5 shrink-0 text-faint" />
          <Input
            mono
            aria-label={`Its name here, ${index + 1}`}
            placeholder="name here"
            value={to}
            onChange={(next) => change(index, { to: next.trim() }, String(index))}
          />
          <IconButton
            label={from === "" ? "Remove the empty row" : `Take ${from} no more`}
            icon={Trash2}
            onClick={() => set(shown.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {error ? (
        <p className="text-caption text-bad-text">{error}</p>
      ) : (
        <p className="text-caption text-muted">
          {shown.length === 0
            ? "Choose what to take of the record found, or take all of it under one name below."
            : "A field there, and what it is called from here on."}
        </p>
      )}
      {!readOnly && (
        <div>
          <Button icon={Plus} look="quiet" onClick={() => setRows([...shown, { from: "", to: "" }])}>
            Add a field
          </Button>
        </div>
      )}
    </section>
  );
}
