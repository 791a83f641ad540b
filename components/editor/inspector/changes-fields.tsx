"use client";
import { streamOf } from "../../../engine/steps/connection.ts";
import { LOOK_EVERY } from "../../../engine/steps/read/changes.ts";
import type { ReadStep } from "../../../engine/steps/read/schema.ts";
import { WatchStream } from "../../connections/watch-stream.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { Disclosure } from "../../ui/disclosure.tsx";
import { Field } from "../../ui/field.tsx";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useProblems } from "../editor-context.tsx";
import { DurationInput } from "./duration-input.tsx";

/** Following a stream as it changes: what is needed for it, and what happens to deleted and existing records. */
export function ChangesFields({ step, onChange }: { step: ReadStep; onChange: (change: Partial<ReadStep>) => void }) {
  const { places } = useEditor();
  const problems = useProblems(step.id);
  const place = places.places.find(({ name }) => name === step.connection);
  const stream = streamOf(places.world, step.connection, step.stream);
  const recorded = stream?.watch?.state === "on";
  const free = ["change", "operation", "what_happened"].find(
    (name) => !stream?.fields.some((field) => field.name === name),
  );
  return (
    <>
      {place && stream && <WatchStream connectionId={place.id} stream={stream} keeps />}
      <Field label="Records that exist already" error={problems.of("existing")}>
        <Select
          value={step.existing ?? "read"}
          onChange={(existing) => onChange({ existing: existing === "read" ? undefined : existing })}
          options={[
            { value: "read", label: "Read them first", hint: "Once, when the flow is published" },
            { value: "skip", label: "Leave them out", hint: "Only what changes from then on" },
          ]}
        />
      </Field>
      <Field label="Deleted records" error={problems.of("deletes")}>
        <Select
          value={step.deletes ?? "ignore"}
          onChange={(deletes) =>
            onChange(
              deletes === "ignore"
                ? { deletes: undefined }
                : { deletes, operationField: step.operationField ?? free ?? "change" },
            )
          }
          options={[
            { value: "ignore", label: "Leave them out" },
            {
              value: "pass",
              label: "Pass them on as they were",
              hint: "A branch can lead them to a write that deletes",
            },
          ]}
        />
      </Field>
      <Field
        label="Field for what happened"
        hint="It gets create, update, delete, or read for what was there before. Empty: no such field."
        error={problems.of("operationField")}
      >
        <Input
          mono
          value={step.operationField ?? ""}
          onChange={(name) => onChange({ operationField: name === "" ? undefined : name.slice(0, 200) })}
        />
      </Field>
      <Disclosure title="While nothing records the changes" initiallyOpen={!recorded}>
        <div className="flex flex-col gap-3">
          <Field label="Look every" error={problems.of("every")}>
            <DurationInput value={step.every ?? LOOK_EVERY} onChange={(every) => onChange({ every })} />
          </Field>
          <Field
            label="Field that tells what changed"
            hint="Without one, all records are read each time."
            error={problems.of("watermark")}
          >
            <Combobox
              label="Field that tells what changed"
              value={step.watermark ?? null}
              onChange={(watermark) => onChange({ watermark: watermark ?? undefined })}
              options={(stream?.watermarks ?? []).map((name) => ({ value: name, label: name }))}
            />
          </Field>
        </div>
      </Disclosure>
    </>
  );
}
