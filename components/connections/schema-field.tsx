"use client";
import { Plus, Trash2 } from "lucide-react";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input, Textarea } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { Switch } from "../ui/toggles.tsx";
import { SchemaFields } from "./schema-fields.tsx";
import type { FormNode } from "./schema-form.ts";
import { ListField } from "./schema-list.tsx";
import { asValues, BrokenJson, type Problems, readJson, startValues, startVariant } from "./schema-values.ts";
import { PairsField, WordsField } from "./schema-words.tsx";

export type NodeProps<Node extends FormNode = FormNode> = {
  node: Node;
  value: unknown;
  onChange: (value: unknown) => void;
  problems: Problems;
  path: string;
  kept?: ReadonlySet<string>;
};

/** One field of a form, whatever its kind. */
export function SchemaField(props: NodeProps) {
  const { node } = props;
  switch (node.kind) {
    case "group":
      return <GroupField {...props} node={node} />;
    case "variants":
      return <VariantsField {...props} node={node} />;
    case "list":
      return <ListField {...props} node={node} />;
    case "words":
      return <WordsField {...props} node={node} />;
    case "pairs":
      return <PairsField {...props} node={node} />;
    case "toggle":
      return <ToggleField {...props} />;
    case "json":
      return <JsonField {...props} />;
    default:
      return <PlainField {...props} node={node} />;
  }
}

/** Label, hint and error of a node, as Field takes them. */
export function labels({ node, problems, path }: Pick<NodeProps, "node" | "problems" | "path">) {
  return {
    label: node.title,
    hint: node.hint?.replaceAll(/\babsent\b/g, "empty"), // a document leaves out what a form leaves empty
    error: problems[path],
    optional: node.optional && !("default" in node && node.default !== undefined),
  };
}

function PlainField({
  node,
  value,
  onChange,
  problems,
  path,
  kept,
}: NodeProps<FormNode & { kind: "text" | "number" | "choice" }>) {
  const stored = kept?.has(path) ?? false;
  const shown = labels({ node, problems, path });
  if (node.kind === "choice") {
    return (
      <Field {...shown}>
        <Select value={typeof value === "string" ? value : null} onChange={onChange} options={node.options} />
      </Field>
    );
  }
  const entered = value === undefined || value === null ? "" : String(value);
  if (node.kind === "number") {
    return (
      <Field {...shown}>
        <Input
          inputMode={node.integer ? "numeric" : "decimal"}
          value={entered}
          onChange={onChange}
          className="max-w-40 tabular-nums"
        />
      </Field>
    );
  }
  const hint = stored ? "One is stored. Leave this empty to keep it." : shown.hint;
  return (
    <Field {...shown} hint={hint}>
      {node.long ? (
        <Textarea mono value={entered} onChange={onChange} placeholder={node.default} />
      ) : (
        <Input
          type={node.secret ? "password" : node.url ? "url" : "text"}
          autoComplete={node.secret ? "new-password" : "off"}
          spellCheck={false}
          value={entered}
          onChange={onChange}
          placeholder={stored ? "••••••••" : node.default}
        />
      )}
    </Field>
  );
}

function ToggleField({ node, value, onChange, problems, path }: NodeProps) {
  return (
    <Field {...labels({ node, problems, path })} optional={false}>
      <Switch checked={value === true} onChange={onChange} />
    </Field>
  );
}

function JsonField({ node, value, onChange, problems, path }: NodeProps) {
  const shown = value === undefined ? "" : value instanceof BrokenJson ? value.text : JSON.stringify(value, null, 2);
  return (
    <Field {...labels({ node, problems, path })}>
      <Textarea mono rows={4} spellCheck={false} value={shown} onChange={(typed) => onChange(readJson(typed))} />
    </Field>
  );
}

/** An optional group is added when it is wanted and can be taken away again. */
function GroupField({ node, value, onChange, problems, path, kept }: NodeProps<FormNode & { kind: "group" }>) {
  if (value === undefined && node.optional) {
    return (
      <div>
        <Button icon={Plus} look="quiet" onClick={() => onChange(startValues(node.fields))}>
          {node.title}
        </Button>
        {node.hint && <p className="pl-2.5 text-caption text-muted">{node.hint}</p>}
      </div>
    );
  }
  return (
    <fieldset className="min-w-0 rounded-card border border-line p-3">
      <div className="mb-2 flex items-center gap-2">
        <legend className="text-work font-medium text-ink">{node.title}</legend>
        {node.optional && (
          <Button icon={Trash2} look="quiet" className="ml-auto" onClick={() => onChange(undefined)}>
            Remove
          </Button>
        )}
      </div>
      <SchemaFields
        fields={node.fields}
        values={asValues(value)}
        onChange={onChange}
        problems={problems}
        path={`${path}.`}
        kept={kept}
      />
    </fieldset>
  );
}

function VariantsField({ node, value, onChange, problems, path, kept }: NodeProps<FormNode & { kind: "variants" }>) {
  const values = asValues(value);
  const chosen = node.variants.find((variant) => variant.value === values[node.by]);
  return (
    <div className="flex flex-col gap-3">
      <Field {...labels({ node, problems, path })}>
        <Select
          value={chosen?.value ?? null}
          onChange={(next) => onChange(startVariant(node, next))}
          options={node.variants.map(({ value: of, title }) => ({ value: of, label: title }))}
          placeholder={node.optional ? "As it comes" : "Choose"}
        />
      </Field>
      {chosen && chosen.fields.length > 0 && (
        <div className="border-l-2 border-line pl-3">
          <SchemaFields
            fields={chosen.fields}
            values={values}
            onChange={onChange}
            problems={problems}
            path={`${path}.`}
            kept={kept}
          />
        </div>
      )}
    </div>
  );
}
