"use client";
import { useState } from "react";
import type { ChainMenuEntry } from "../../engine/mapping/chain-functions.ts";
import type { Json } from "../../engine/mapping/types.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { ArgumentInput } from "./argument-input.tsx";

/** The look of what opens at a function. */
export const functionPopup = "float-motion z-50 flex flex-col rounded-card bg-surface shadow-float outline-none";

/** A function's arguments. */
export function FunctionForm({
  entry,
  args: given,
  onSave,
  action,
}: {
  entry: ChainMenuEntry;
  args: readonly Json[];
  onSave: (args: Json[]) => void;
  action: string;
}) {
  const [args, setArgs] = useState<(Json | undefined)[]>(() => entry.args.map((_, index) => given[index]));
  const missing = entry.args.some(({ optional }, index) => !optional && args[index] === undefined);
  const save = () => {
    // Arguments count by their place: those after the last one given are left out, gaps before it are empty.
    const last = args.findLastIndex((arg) => arg !== undefined);
    onSave(args.slice(0, last + 1).map((arg) => arg ?? null));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        if (!missing) save();
      }}
      className="thin-scroll min-h-0 space-y-3 overflow-y-auto"
    >
      <div>
        <p className="text-work font-medium text-ink">{entry.label}</p>
        <p className="text-caption text-muted">{entry.summary}</p>
      </div>
      {entry.args.map((parameter, index) => (
        <Field key={parameter.name} label={parameter.name} hint={parameter.summary} optional={parameter.optional}>
          <ArgumentInput
            parameter={parameter}
            value={args[index]}
            onChange={(value) => setArgs(args.with(index, value))}
          />
        </Field>
      ))}
      {entry.args.length > 0 && (
        <Button type="submit" look="primary" disabled={missing}>
          {action}
        </Button>
      )}
    </form>
  );
}
