"use client";
import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "../ui/button.tsx";
import { Disclosure } from "../ui/disclosure.tsx";
import type { NodeProps } from "./schema-field.tsx";
import { SchemaFields } from "./schema-fields.tsx";
import type { FormNode } from "./schema-form.ts";
import { asValues, startValues } from "./schema-values.ts";

/** A list of things with fields of their own: the streams of a REST interface. Each folds to its name. */
export function ListField({ node, value, onChange, problems, path, kept }: NodeProps<FormNode & { kind: "list" }>) {
  const items: unknown[] = Array.isArray(value) ? value : [];
  const one = node.item.title.replace(/s$/, "").toLowerCase();
  const set = (index: number, next: unknown) => onChange(items.map((item, at) => (at === index ? next : item)));
  return (
    <section aria-label={node.title} className="flex flex-col gap-2">
      <div>
        <h3 className="text-work font-medium text-ink">{node.title}</h3>
        {node.hint && <p className="text-caption text-muted">{node.hint}</p>}
      </div>
      {items.map((item, index) => {
        const at = `${path}.${index}.`;
        const broken = Object.keys(problems).some((problem) => problem.startsWith(at));
        const name = asValues(item).name;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: an item has no identity but its place
          <div key={index} className={`rounded-card border px-3 py-1.5 ${broken ? "border-bad" : "border-line"}`}>
            <Disclosure
              title={typeof name === "string" && name !== "" ? name : `New ${one}`}
              initiallyOpen={name === undefined || broken}
              aside={
                <IconButton
                  label={`Remove this ${one}`}
                  icon={Trash2}
                  onClick={() => onChange(items.filter((_, other) => other !== index))}
                />
              }
            >
              <div className="pb-2">
                <SchemaFields
                  fields={node.item.fields}
                  values={asValues(item)}
                  onChange={(next) => set(index, next)}
                  problems={problems}
                  path={at}
                  kept={kept}
                />
              </div>
            </Disclosure>
          </div>
        );
      })}
      <div>
        <Button icon={Plus} onClick={() => onChange([...items, startValues(node.item.fields)])}>
          Add a {one}
        </Button>
      </div>
    </section>
  );
}
