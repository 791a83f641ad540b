"use client";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { labels, type NodeProps } from "./schema-field.tsx";
import { asValues } from "./schema-values.ts";

/** Several words in one box, with commas between. What is typed stays as typed until the box is left. */
export function WordsField({ node, value, onChange, problems, path }: NodeProps) {
  const said = Array.isArray(value) ? value.join(", ") : "";
  const [typed, setTyped] = useState(said);
  const shown = labels({ node, problems, path });
  return (
    <Field {...shown} hint={shown.hint ?? "Several with commas between."}>
      <Input
        mono
        spellCheck={false}
        value={typed}
        onChange={(next) => {
          setTyped(next);
          onChange(
            next
              .split(",")
              .map((word) => word.trim())
              .filter(Boolean),
          );
        }}
        onBlur={() => setTyped(said)}
      />
    </Field>
  );
}

/** Names with values, such as headers. */
export function PairsField({ node, value, onChange, problems, path }: NodeProps) {
  const pairs = Object.entries(asValues(value));
  const set = (next: [string, unknown][]) => onChange(Object.fromEntries(next));
  const { label, hint, error } = labels({ node, problems, path });
  return (
    <section aria-label={node.title} className="flex flex-col gap-1.5">
      <div>
        <h3 className="text-work font-medium text-ink">{label}</h3>
        {hint && <p className="text-caption text-muted">{hint}</p>}
        {error && <p className="text-caption text-bad-text">{error}</p>}
      </div>
      {pairs.map(([name, of], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name is being typed, only the place stays
        <div key={index} className="grid grid-cols-[1fr_1.4fr_auto] gap-1.5">
          <Input
            mono
            aria-label={`${node.title}, name ${index + 1}`}
            value={name}
            onChange={(next) => set(pairs.map((pair, at) => (at === index ? [next, of] : pair)))}
          />
          <Input
            mono
            aria-label={`${node.title}, value ${index + 1}`}
            value={String(of)}
            onChange={(next) => set(pairs.map((pair, at) => (at === index ? [name, next] : pair)))}
          />
          <IconButton
            label={`Remove ${name || "this line"}`}
            icon={Trash2}
            onClick={() => set(pairs.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <div>
        <Button
          icon={Plus}
          look="quiet"
          disabled={pairs.some(([name]) => name === "")}
          onClick={() => set([...pairs, ["", ""]])}
        >
          Add
        </Button>
      </div>
    </section>
  );
}
