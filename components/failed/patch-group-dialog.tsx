"use client";
import { useState } from "react";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { DeadLetterGroup, DeadLetterItem } from "../../server/trpc/contract/runs.ts";
import { Button } from "../ui/button.tsx";
import { JsonValue } from "../ui/code.tsx";
import { Combobox } from "../ui/combobox.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Input } from "../ui/input.tsx";
import { editsOf, patchOf } from "./letter-patch.ts";
import { isInRecord } from "./reason.ts";

/** Sets one field of all records of a group, then replays them. Some of them are shown as they are now. */
export function PatchGroupDialog({
  group,
  examples,
  busy,
  onClose,
  onReplay,
}: {
  group: DeadLetterGroup;
  examples: DeadLetterItem[];
  busy: boolean;
  onClose: () => void;
  onReplay: (patch: JsonRecord) => void;
}) {
  const [chosen, setField] = useState<string | null>();
  // until somebody chooses, the field that failed; the examples may come after this has opened
  const failed = isInRecord(examples[0]?.data ?? {}, group.field) ? group.field : null;
  const field = chosen === undefined ? failed : chosen;
  const [text, setText] = useState("");
  const [asked, setAsked] = useState(false);
  const names = [...new Set([...examples.flatMap(({ data }) => Object.keys(data))])];
  const replay = () => {
    setAsked(true);
    if (!field) return;
    const sample = examples[0]?.data ?? {};
    const { patch } = patchOf(
      sample,
      editsOf(sample, field)
        .filter((edit) => edit.field === field)
        .map((edit) => ({ ...edit, text })),
    );
    onReplay({ [field]: field in patch ? (patch[field] ?? null) : text === "" ? null : text });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Set one field of ${count(group.count, "record")} and replay`}
      description="The value is laid over every record of this group as it entered the step; the source is not touched."
      footer={
        <>
          <Button large onClick={onClose}>
            Leave them
          </Button>
          <Button look="primary" busy={busy} onClick={replay}>
            Replay {count(group.count, "record")}
          </Button>
        </>
      }
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Field" error={asked && !field && "Choose the field to set."}>
          <Combobox
            value={field}
            onChange={setField}
            options={names.map((name) => ({ value: name, label: name }))}
            free
            placeholder="Choose or type"
          />
        </Field>
        <Field label="New value" hint={text === "" ? "Left empty, the field becomes empty." : undefined}>
          <Input mono value={text} onChange={setText} />
        </Field>
      </div>
      {field && (
        <div className="mt-4">
          <p className="mb-1 text-caption text-muted">As they are now</p>
          <ul className="divide-y divide-line rounded-control border border-line">
            {examples.slice(0, 6).map((letter) => (
              <li key={letter.id} className="grid grid-cols-[9rem_1fr] gap-3 px-3 py-1.5">
                <span className="truncate font-mono text-caption text-muted">{letter.key}</span>
                <JsonValue value={letter.data[field]} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </Dialog>
  );
}
