"use client";
import { X } from "lucide-react";
import { useState } from "react";
import type { ChainMenuEntry } from "../../engine/mapping/chain-functions.ts";
import type { Json } from "../../engine/mapping/types.ts";
import { Combobox } from "../ui/combobox.tsx";
import { Input } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";

type Parameter = ChainMenuEntry["args"][number];

/** One argument of a function, by its type: text as written, numbers, yes or no, one or several of the usual choices. */
export function ArgumentInput({
  parameter,
  value,
  onChange,
}: {
  parameter: Parameter;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}) {
  const { type, choices, name } = parameter;
  const [text, setText] = useState(
    value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value),
  );
  if (type === "boolean")
    return (
      <Select
        label={name}
        value={value === undefined || value === null ? null : String(value)}
        onChange={(next) => onChange(next === "true")}
        options={[
          { value: "true", label: "yes" },
          { value: "false", label: "no" },
        ]}
      />
    );
  if (choices.length > 0 && type === "any")
    return <Several choices={choices} name={name} value={value} onChange={onChange} />;
  if (choices.length > 0)
    return (
      <Combobox
        label={name}
        free
        value={typeof value === "string" ? value : null}
        onChange={(next) => onChange(next ?? undefined)}
        options={choices.map((choice) => ({ value: choice, label: choice === " " ? "a blank" : choice }))}
      />
    );
  return (
    <Input
      mono
      aria-label={name}
      inputMode={type === "number" || type === "integer" ? "decimal" : undefined}
      value={text}
      onChange={(next) => {
        setText(next);
        onChange(readArgument(next, type));
      }}
    />
  );
}

/** Text stays as typed, blanks included; where any value may stand, what is written as JSON is taken as such. */
export function readArgument(text: string, type: Parameter["type"]): Json | undefined {
  if (text === "") return undefined;
  if (type === "text") return text;
  if (type === "number" || type === "integer") return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
  if (/^\s*(\[|\{|"|-?\d|true$|false$|null$)/.test(text)) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  }
  return type === "list" ? text.split(",").map((part) => part.trim()) : text;
}

/** One or more of the usual choices, in order: the formats a date may have. */
function Several({
  choices,
  name,
  value,
  onChange,
}: {
  choices: readonly string[];
  name: string;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}) {
  const chosen = Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
  const set = (next: string[]) => onChange(next.length === 0 ? undefined : next.length === 1 ? next[0] : next);
  return (
    <div className="space-y-1">
      {chosen.length > 0 && (
        <span className="flex flex-wrap gap-1">
          {chosen.map((one) => (
            <span
              key={one}
              className="inline-flex h-6 items-center rounded-control bg-accent-soft pl-2 font-mono text-caption text-accent-text"
            >
              {one}
              <button
                type="button"
                aria-label={`Leave out ${one}`}
                onClick={() => set(chosen.filter((other) => other !== one))}
                className="flex size-6 items-center justify-center"
              >
                <X aria-hidden className="size-3" />
              </button>
            </span>
          ))}
        </span>
      )}
      <Combobox
        key={chosen.length}
        label={`Add ${name}`}
        placeholder={chosen.length === 0 ? "Choose or type" : "Another one"}
        free
        value={null}
        onChange={(next) => next && !chosen.includes(next) && set([...chosen, next])}
        options={choices
          .filter((choice) => !chosen.includes(choice))
          .map((choice) => ({ value: choice, label: choice }))}
      />
    </div>
  );
}
