"use client";
import { Plus, Trash2 } from "lucide-react";
import { EVENTS_WATCHED, type FlowSettings } from "../../../engine/flow/schema.ts";
import { definitionOf } from "../../../engine/steps/registry.ts";
import { briefQuestions } from "../../flows/brief.ts";
import { useMe } from "../../server/me.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { Disclosure } from "../../ui/disclosure.tsx";
import { Field } from "../../ui/field.tsx";
import { count } from "../../ui/format.ts";
import { Input, Textarea } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { useEditor, useProblems } from "../editor-context.tsx";
import { DurationInput } from "./duration-input.tsx";
import { clean } from "./read-form.tsx";

/** What belongs to the flow as a whole: its brief, what it takes for granted, how it runs. */
export function FlowForm() {
  const { flow, readOnly } = useEditor();
  const answered = briefQuestions.filter(({ field }) => (flow.brief?.[field] ?? "").trim() !== "").length;
  return (
    <>
      <Disclosure title={`Brief, ${answered} of 6 answered`} initiallyOpen={answered < 6}>
        <fieldset disabled={readOnly} className="min-w-0">
          <Brief />
        </fieldset>
      </Disclosure>
      <Disclosure title={`Assumptions ${flow.assumptions?.length ?? 0}`}>
        <fieldset disabled={readOnly} className="min-w-0">
          <Assumptions />
        </fieldset>
      </Disclosure>
      <Disclosure title="How it runs" initiallyOpen={answered === 6}>
        <fieldset disabled={readOnly} className="min-w-0">
          <Settings />
        </fieldset>
      </Disclosure>
    </>
  );
}

function Brief() {
  const { flow, act } = useEditor();
  return (
    <div className="space-y-3">
      <p className="text-caption text-muted">Six short answers for the next person. Publishing needs all of them.</p>
      {briefQuestions.map(({ field, label, placeholder }) => (
        <div key={field} data-field={`brief.${field}`}>
          <Field label={label} required>
            <Textarea
              rows={field === "direction" || field === "timing" || field === "owner" ? 1 : 2}
              value={flow.brief?.[field] ?? ""}
              placeholder={placeholder}
              maxLength={2000}
              onChange={(text) => act({ type: "setBrief", brief: { ...flow.brief, [field]: text }, typing: field })}
            />
          </Field>
        </div>
      ))}
    </div>
  );
}

function Assumptions() {
  const { flow, act } = useEditor();
  const me = useMe();
  const list = flow.assumptions ?? [];
  return (
    <div className="space-y-2">
      <p className="text-caption text-muted">
        What the flow relies on and cannot check, such as “Order numbers are never reused”.
      </p>
      {list.map((assumption, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: assumptions have no identity but their place
        <div key={index} className="flex gap-1.5">
          <Textarea
            aria-label={`Assumption ${index + 1}`}
            rows={2}
            value={assumption.text}
            maxLength={2000}
            onChange={(text) =>
              text !== "" &&
              act({
                type: "setAssumptions",
                assumptions: list.with(index, { ...assumption, text }),
                typing: String(index),
              })
            }
          />
          <IconButton
            label={`Remove assumption ${index + 1}`}
            icon={Trash2}
            onClick={() => act({ type: "setAssumptions", assumptions: list.filter((_, place) => place !== index) })}
          />
        </div>
      ))}
      <Button
        icon={Plus}
        onClick={() =>
          act({
            type: "setAssumptions",
            assumptions: [
              ...list,
              { text: "New assumption", by: me.user.email, on: new Date().toISOString().slice(0, 10) },
            ],
          })
        }
      >
        Add an assumption
      </Button>
    </div>
  );
}

function Settings() {
  const { flow, act, shapes } = useEditor();
  const problems = useProblems("");
  const settings = flow.settings ?? {};
  const trigger = flow.steps.find((step) => definitionOf(step).role === "trigger");
  const fields = (trigger && shapes[trigger.id]?.output.out?.fields) ?? [];
  const set = (change: Partial<FlowSettings>, typing?: string) =>
    act({ type: "setSettings", settings: clean({ ...settings, ...change }), typing });
  const limit = settings.stopAt?.dead;
  const retry = settings.retry ?? {};
  return (
    <div className="space-y-3">
      <div className="grid grid-cols-2 gap-2">
        <Field label="Tries at most" hint="After a failure that may pass">
          <Input
            inputMode="numeric"
            placeholder="10"
            value={String(retry.attempts ?? "")}
            onChange={(text) => set({ retry: clean({ ...retry, attempts: whole(text, 1000) }) }, "attempts")}
          />
        </Field>
        <Field label="for at most" hint="Such as 24h">
          <DurationInput
            placeholder="24h"
            value={retry.for}
            onChange={(longest) => set({ retry: clean({ ...retry, for: longest }) }, "for")}
          />
        </Field>
      </div>
      <Field label="Order of records">
        <Select
          value={settings.order ?? "by-key"}
          onChange={(order) => set({ order })}
          options={[
            { value: "by-key", label: "kept for each key", hint: "A failed record holds back later ones of its key" },
            { value: "none", label: "does not matter", hint: "Fastest" },
          ]}
        />
      </Field>
      {(settings.order ?? "by-key") === "by-key" && (
        <Field
          label="Key"
          optional
          error={problems.of("settings.key")}
          hint="Without one: what is mapped to the first field a record is found by."
        >
          <Combobox
            label="Key"
            value={settings.key ?? null}
            onChange={(key) => set({ key: key ?? undefined })}
            options={fields.map(({ name, type }) => ({ value: name, label: name, hint: type }))}
          />
        </Field>
      )}
      <Field
        label="Stop when this share of the records fails"
        optional
        hint={`In percent, of ${trigger?.kind === "webhook" || trigger?.kind === "event" ? `the last ${count(EVENTS_WATCHED, "event")}` : "a run"}. Empty: never.`}
      >
        <Input
          inputMode="numeric"
          placeholder="never"
          value={limit === undefined ? "" : String(limit).replace("%", "")}
          onChange={(text) => {
            const share = whole(text, 100);
            set({ stopAt: share === undefined ? undefined : { dead: `${share}%` } }, "stopAt");
          }}
        />
      </Field>
      <Field label="When the time has come and a run is still going">
        <Select
          value={settings.overlap ?? "skip"}
          onChange={(overlap) => set({ overlap })}
          options={[
            { value: "skip", label: "leave that one out" },
            { value: "queue", label: "run it afterwards" },
          ]}
        />
      </Field>
      <Field label="Time zone" hint="What dates and times without one mean.">
        <Combobox
          label="Time zone"
          value={settings.timeZone ?? "UTC"}
          onChange={(timeZone) => set({ timeZone: timeZone ?? undefined })}
          options={["UTC", ...Intl.supportedValuesOf("timeZone")].map((value) => ({ value, label: value }))}
        />
      </Field>
    </div>
  );
}

function whole(text: string, most: number): number | undefined {
  const value = Number(text);
  return /^\d{1,4}$/.test(text.trim()) && value >= 1 && value <= most ? value : undefined;
}
