"use client";
import { useState } from "react";
import { readDuration } from "../../../engine/flow/duration.ts";
import { cronProblem, nextRunAt, type Timing } from "../../../engine/flow/schedule.ts";
import { dailyCron, readDaily } from "../../../engine/flow/timing-text.ts";
import { streamOf } from "../../../engine/steps/connection.ts";
import type { ReadStep } from "../../../engine/steps/read/schema.ts";
import { Combobox } from "../../ui/combobox.tsx";
import { Field } from "../../ui/field.tsx";
import { exactTime } from "../../ui/format.ts";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useProblems } from "../editor-context.tsx";
import { fieldOptions } from "../field-options.ts";
import { ChangesFields } from "./changes-fields.tsx";
import { PlaceFields } from "./place-fields.tsx";

/** Where records come from, all or only changed ones, and when. */
export function ReadForm({ step }: { step: ReadStep }) {
  const { act, places } = useEditor();
  const problems = useProblems(step.id);
  const stream = streamOf(places.world, step.connection, step.stream);
  const set = (change: Partial<ReadStep>) => act({ type: "updateStep", step: clean({ ...step, ...change }) });
  const watermarks = stream?.watermarks ?? [];
  const options = fieldOptions(
    { fields: stream?.fields.filter(({ name }) => watermarks.includes(name)) ?? [], open: false },
    [step.watermark ?? ""],
  );
  return (
    <>
      <PlaceFields step={step} />
      <Field label="Which records" error={problems.of("sync")}>
        <Select
          value={step.sync ?? "full"}
          onChange={(sync) => set(choose(sync, step, watermarks))}
          options={[
            { value: "full", label: "All, each time", hint: "What did not change is recognised and left alone" },
            {
              value: "incremental",
              label: "Only those changed since the last run",
              hint: "By a field that grows with every change",
            },
            ...(stream?.watch || step.sync === "changes"
              ? [
                  {
                    value: "changes" as const,
                    label: "Each one as it changes",
                    hint: "Starts by itself, in moments, where changes are recorded",
                  },
                ]
              : []),
          ]}
        />
      </Field>
      {step.sync === "incremental" && (
        <Field
          label="Field that tells what changed"
          error={problems.of("watermark")}
          hint={
            watermarks.length > 0
              ? `Suited here: ${watermarks.join(", ")}`
              : "This stream names none; it must grow with every change."
          }
        >
          <Combobox
            value={step.watermark ?? null}
            onChange={(watermark) => set({ watermark: watermark ?? undefined })}
            options={options}
            free
            label="Field that tells what changed"
          />
        </Field>
      )}
      {step.sync === "changes" ? (
        <ChangesFields step={step} onChange={set} />
      ) : (
        <TimingFields step={step} onChange={set} />
      )}
    </>
  );
}

/** What goes with another way of reading; what only the old way uses is left out. */
function choose(sync: NonNullable<ReadStep["sync"]>, step: ReadStep, watermarks: string[]): Partial<ReadStep> {
  const none = { deletes: undefined, operationField: undefined, existing: undefined };
  if (sync === "changes") return { sync, watermark: undefined, every: undefined, cron: undefined, timeZone: undefined };
  const watermark = sync === "full" ? undefined : (step.watermark ?? watermarks[0]);
  return { ...none, sync, watermark };
}

const units = [
  { value: "s", label: "seconds" },
  { value: "m", label: "minutes" },
  { value: "h", label: "hours" },
  { value: "d", label: "days" },
  { value: "w", label: "weeks" },
] as const;

function TimingFields({ step, onChange }: { step: ReadStep; onChange: (change: Partial<ReadStep>) => void }) {
  const { flow } = useEditor();
  const problems = useProblems(step.id);
  const daily = step.cron === undefined ? null : readDaily(step.cron);
  // A pattern that happens to be a clock time stays a pattern while it is typed.
  const [asPattern, setAsPattern] = useState(false);
  const scheduled = daily && !asPattern ? "daily" : "cron";
  const kind = step.cron !== undefined ? scheduled : step.every !== undefined ? "every" : "hand";
  const every = step.every === undefined ? undefined : readDuration(step.every);
  const [amount, setAmount] = useState(String(every?.amount ?? 5));
  const unit = every?.unit ?? "m";
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zone = step.timeZone ?? flow.settings?.timeZone ?? "UTC";
  const bad = step.cron === undefined ? undefined : cronProblem(step.cron, zone);
  return (
    <>
      <Field label="When" error={problems.of("every")}>
        <Select
          value={kind}
          onChange={(next) => {
            setAsPattern(next === "cron");
            if (next === "hand") onChange({ every: undefined, cron: undefined });
            else if (next === "every") onChange({ every: "5m", cron: undefined });
            else onChange({ cron: step.cron ?? "0 6 * * *", every: undefined, timeZone: step.timeZone ?? here });
          }}
          options={[
            { value: "hand", label: "By hand", hint: "“Run now”, or over the API" },
            { value: "every", label: "Every so often" },
            { value: "daily", label: "At a time of day" },
            { value: "cron", label: "By a pattern", hint: "Cron: 0 6 1 * * is the first of each month at six" },
          ]}
        />
      </Field>
      {kind === "every" && (
        <div className="flex gap-2">
          <Input
            aria-label="Every how many"
            inputMode="numeric"
            value={amount}
            onChange={(text) => {
              setAmount(text);
              if (readDuration(`${text}${unit}`)) onChange({ every: `${text}${unit}` });
            }}
            className="w-20!"
          />
          <Select
            label="Unit of time"
            value={unit}
            onChange={(next) => onChange({ every: `${every?.amount ?? 5}${next}` })}
            options={[...units]}
          />
        </div>
      )}
      {kind === "daily" && daily && (
        <div className="flex gap-2">
          <Select
            label="Days"
            value={daily.days}
            onChange={(days) => onChange({ cron: dailyCron({ ...daily, days }) })}
            options={[
              { value: "*", label: "Every day" },
              { value: "1-5", label: "Every working day" },
            ]}
          />
          <Input
            type="time"
            aria-label="Time of day"
            value={daily.time}
            onChange={(time) => /^\d{2}:\d{2}$/.test(time) && onChange({ cron: dailyCron({ ...daily, time }) })}
            className="w-30! shrink-0"
          />
        </div>
      )}
      {kind === "cron" && (
        <Field
          label="Schedule"
          hint="Minute, hour, day of month, month, day of week: 0 6 * * 1-5 is each working day at six"
          error={bad ? `Found a schedule that cannot be used: ${bad}.` : problems.of("cron")}
        >
          <Input
            mono
            value={step.cron ?? ""}
            onChange={(cron) => {
              setAsPattern(true);
              onChange({ cron: cron === "" ? "*" : cron.slice(0, 200) });
            }}
          />
        </Field>
      )}
      {(kind === "cron" || kind === "daily") && (
        <Field label="Time zone" error={problems.of("timeZone")}>
          <Combobox
            label="Time zone"
            value={zone}
            onChange={(timeZone) => onChange({ timeZone: timeZone ?? undefined })}
            options={["UTC", ...Intl.supportedValuesOf("timeZone")].map((value) => ({ value, label: value }))}
          />
        </Field>
      )}
      {kind !== "hand" && !bad && (
        <NextTimes
          timing={
            kind !== "every"
              ? { kind: "cron", cron: step.cron ?? "", timeZone: zone }
              : { kind: "every", every: step.every ?? "5m", timeZone: zone }
          }
        />
      )}
    </>
  );
}

/** The next three times, in the reader's own zone. */
function NextTimes({ timing }: { timing: Timing }) {
  const times: Date[] = [];
  let after = new Date();
  for (let at = 0; at < 3; at += 1) {
    const next = nextRunAt(timing, after);
    if (!next) break;
    times.push(next);
    after = next;
  }
  return (
    <div className="text-caption text-muted">
      Once published, it would run
      <ul className="mt-0.5 list-disc pl-4">
        {times.map((time) => (
          <li key={time.getTime()}>{exactTime(time.toISOString())}</li>
        ))}
      </ul>
    </div>
  );
}

/** Leaves out what is not set, so that the document says only what is meant. */
export function clean<S extends object>(step: S): S {
  return Object.fromEntries(Object.entries(step).filter(([, value]) => value !== undefined)) as S;
}
