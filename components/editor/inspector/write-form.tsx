"use client";
import { CircleAlert, CircleCheck, Repeat, Undo2 } from "lucide-react";
import type { SinkInfo } from "../../../connectors/sdk/types.ts";
import { sinkOf } from "../../../engine/steps/connection.ts";
import type { WriteStep } from "../../../engine/steps/write/schema.ts";
import { Field } from "../../ui/field.tsx";
import { StatusPill } from "../../ui/pill.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { FieldPicker } from "./field-picker.tsx";
import { PlaceFields } from "./place-fields.tsx";

const operations = [
  { value: "upsert", label: "Create or update", hint: "Found: updated. Not found: created" },
  { value: "insert", label: "Create only", hint: "A record that is there already fails" },
  { value: "update", label: "Update only", hint: "A record that is not there fails" },
  { value: "delete", label: "Delete" },
] as const;

/** Where records go, what is done there, how one is found again; and what the target can promise. */
export function WriteForm({ step }: { step: WriteStep }) {
  const { act, places } = useEditor();
  const problems = useProblems(step.id);
  const sink = sinkOf(places.world, step.connection, step.sink);
  return (
    <>
      <PlaceFields step={step} />
      <Field label="What is done" error={problems.of("operation")}>
        <Select
          value={step.operation}
          onChange={(operation) => act({ type: "updateStep", step: { ...step, operation } })}
          options={operations.filter(
            ({ value }) => !sink || sink.operations.includes(value) || value === step.operation,
          )}
        />
      </Field>
      {step.operation !== "insert" && (
        <FieldPicker
          label="A record is found by"
          chosen={step.match ?? []}
          shape={{ fields: sink?.fields ?? [], open: sink?.open ?? true }}
          onChange={(match) => act({ type: "updateStep", step: { ...step, match } })}
          error={problems.of("match") ?? (step.match ?? []).map((name) => problems.of(name)).find(Boolean)}
          hint={
            sink && sink.matchKeys.length > 0
              ? `Unique there: ${sink.matchKeys.map((key) => key.join(" + ")).join(", ")}`
              : undefined
          }
        />
      )}
      {sink && <Promises step={step} sink={sink} />}
    </>
  );
}

/** Undo, repetition and required fields, said as they are. */
function Promises({ step, sink }: { step: WriteStep; sink: SinkInfo }) {
  const input = useInput(step);
  const required = sink.fields.filter((field) => field.required && !field.default && !field.readOnly);
  const met = required.filter(({ name }) => input.open || input.fields.some((field) => field.name === name));
  const missing = required.filter((field) => !met.includes(field)).map(({ name }) => name);
  return (
    <div className="space-y-2 rounded-control border border-line bg-sunken p-2.5">
      <div className="flex flex-wrap gap-1.5">
        {sink.undo === "full" && (
          <StatusPill tone="ok" icon={Undo2}>
            Undoable
          </StatusPill>
        )}
        {sink.undo === "lossy" && (
          <StatusPill tone="warn" icon={Undo2}>
            Undoable with loss
          </StatusPill>
        )}
        {sink.undo === "none" && (
          <StatusPill tone="bad" icon={CircleAlert}>
            Not undoable
          </StatusPill>
        )}
        <StatusPill tone={sink.effect === "once" ? "ok" : "warn"} icon={sink.effect === "once" ? CircleCheck : Repeat}>
          {sink.effect === "once" ? "Effect once" : "At least once"}
        </StatusPill>
      </div>
      <p className="text-caption text-muted">
        {sink.undoNote ??
          (sink.undo === "full"
            ? "Any run can be put back, from what was there before."
            : "What it writes cannot be taken back.")}{" "}
        {sink.effect === "once"
          ? "After a crash, each record is there once."
          : "After a crash, a record may arrive twice."}
      </p>
      {required.length > 0 && step.operation !== "delete" && (
        <p className="flex gap-1 text-caption text-ink tabular-nums">
          {met.length === required.length ? (
            <CircleCheck aria-hidden className="mt-0.5 size-3 shrink-0 text-ok-text" />
          ) : (
            <CircleAlert aria-hidden className="mt-0.5 size-3 shrink-0 text-bad-text" />
          )}
          <span>
            {met.length} of {required.length} required fields arrive
            {met.length < required.length && `; missing: ${missing.join(", ")}`}.
          </span>
        </p>
      )}
    </div>
  );
}
