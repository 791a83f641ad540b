"use client";
import type { Dispatch, SetStateAction } from "react";
import { Field } from "../ui/field.tsx";
import { Input, Textarea } from "../ui/input.tsx";
import type { Edit } from "./letter-patch.ts";

/**
 * The fields of a failed record, to be corrected.
 * @param field the one that was refused; it comes first, with the reason
 */
export function CorrectForm({
  edits,
  onChange,
  field,
  reason,
  problems,
}: {
  edits: Edit[];
  onChange: Dispatch<SetStateAction<Edit[]>>;
  field?: string;
  reason: string;
  problems: { [field: string]: string };
}) {
  const refused = (edit: Edit) => edit.field === field || field?.startsWith(`${edit.field}.`);
  const ordered = [...edits.filter(refused), ...edits.filter((edit) => !refused(edit))];
  const set = (name: string, text: string) =>
    onChange((old) => old.map((edit) => (edit.field === name ? { ...edit, text } : edit)));
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      {ordered.map((edit) => (
        <Field
          key={edit.field}
          label={<span className="font-mono text-caption">{edit.field}</span>}
          error={problems[edit.field] ?? (refused(edit) ? reason : undefined)}
          className={refused(edit) || edit.json ? "sm:col-span-2" : undefined}
        >
          {edit.json ? (
            <Textarea mono rows={5} spellCheck={false} value={edit.text} onChange={(text) => set(edit.field, text)} />
          ) : (
            <Input
              mono
              spellCheck={false}
              placeholder="empty"
              value={edit.text}
              onChange={(text) => set(edit.field, text)}
            />
          )}
        </Field>
      ))}
    </div>
  );
}
