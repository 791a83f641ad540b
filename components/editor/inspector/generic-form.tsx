"use client";
import { type ReactNode, useMemo, useState } from "react";
import { z } from "zod";
import type { Step } from "../../../engine/flow/schema.ts";
import type { Shape } from "../../../engine/steps/define-step.ts";
import { definitionOf } from "../../../engine/steps/registry.ts";
import { labels } from "../../connections/schema-field.tsx";
import { SchemaFields } from "../../connections/schema-fields.tsx";
import { type FormField, readForm } from "../../connections/schema-form.ts";
import { cleanValues, type Values } from "../../connections/schema-values.ts";
import { Combobox } from "../../ui/combobox.tsx";
import { Field } from "../../ui/field.tsx";
import { say, useEditor, useInput, useProblems } from "../editor-context.tsx";
import { fieldOptions } from "../field-options.ts";
import { FieldPicker } from "./field-picker.tsx";

/** Settings that name a field of the records that arrive, or several: they are chosen, not typed from memory. */
const namesFields: { [kind: string]: { [setting: string]: "one" | "many" } } = {
  split: { field: "one", keep: "many" },
  collect: { by: "many" },
  approve: { show: "many" },
  publish: { subject: "one" },
};

/** What may be chosen, as the words of a sentence that begins with the setting's title. The first is what holds when nothing is chosen. */
const choiceWords: { [kind: string]: { [setting: string]: { [value: string]: string } } } = {
  lookup: {
    notFound: {
      dead: "the record fails",
      null: "it passes, and the fields stay empty",
      port: "it leaves by “not found”",
    },
    multiple: { dead: "the record fails", first: "the first of them is taken" },
  },
  split: {
    emptyList: {
      filter: "the record is filtered out",
      pass: "it passes as one part without an item",
      dead: "the record fails",
    },
  },
  collect: { within: { record: "the parts of one record", run: "all records of a run" } },
  approve: { otherwise: { no: "no", yes: "yes" } },
};

function inWords(kind: string, field: FormField): FormField {
  const words = choiceWords[kind]?.[field.name];
  if (!words || field.node.kind !== "choice") return field;
  const options = Object.entries(words).map(([value, label]) => ({ value, label }));
  return { ...field, node: { ...field.node, options, hint: `Nothing chosen: ${options[0]?.label}.` } };
}

/**
 * Settings of a step kind that has no form of its own, drawn from its schema. What cannot be used yet stays on the screen with
 * its reason and is not put into the flow.
 * @param without settings that are drawn elsewhere
 * @param often settings that are in sight, though they may stay empty
 */
export function GenericForm({
  step,
  without = [],
  often = [],
}: {
  step: Step;
  without?: readonly string[];
  often?: readonly string[];
}) {
  const { act } = useEditor();
  const known = useProblems(step.id);
  const definition = definitionOf(step);
  const hidden = useMemo(() => new Set(["id", "kind", "title", ...without]), [without]);
  const fields = useMemo(() => {
    const schema = z.toJSONSchema(definition.schema, { io: "input", unrepresentable: "any" });
    return readForm(schema)
      .filter(({ name }) => !hidden.has(name))
      .map((field) => inWords(step.kind, field));
  }, [definition, hidden, step.kind]);
  const [values, setValues] = useState<Values>(() => ({ ...step }));
  const [refused, setRefused] = useState<{ [path: string]: string }>({});
  const problems = useMemo(() => {
    const said = known.all.flatMap((problem) => (problem.field ? [[problem.field, say(problem) ?? ""] as const] : []));
    return { ...Object.fromEntries(said), ...refused };
  }, [known.all, refused]);
  const change = (next: Values) => {
    setValues(next);
    const kept = Object.entries(step).filter(([name]) => hidden.has(name));
    const parsed = definition.schema.safeParse({ ...Object.fromEntries(kept), ...cleanValues(fields, next) });
    if (parsed.success) {
      setRefused({});
      act({ type: "updateStep", step: parsed.data as Step, typing: step.id });
    } else {
      setRefused(
        Object.fromEntries(
          parsed.error.issues.map(({ path, message }) => [
            path.join("."),
            `Found something that cannot be used: ${message}.`,
          ]),
        ),
      );
    }
  };
  const shape = useInput(step);
  const instead = Object.entries(namesFields[step.kind] ?? {}).map(([name, many]): [string, ReactNode] => {
    const node = fields.find((field) => field.name === name)?.node;
    const set = (next: unknown) => change({ ...values, [name]: next });
    const own = { many: many === "many", shape, value: values[name], onChange: set };
    return [name, node && <NamesFields key={name} {...own} {...labels({ node, problems, path: name })} />];
  });
  return (
    <SchemaFields
      fields={fields}
      values={values}
      onChange={change}
      problems={problems}
      often={often}
      instead={Object.fromEntries(instead)}
    />
  );
}

/** Chooses one of the fields that arrive, or several; others can be typed. */
function NamesFields({
  many,
  shape,
  value,
  onChange,
  ...shown
}: ReturnType<typeof labels> & { many: boolean; shape: Shape; value: unknown; onChange: (value: unknown) => void }) {
  if (many) {
    const chosen = Array.isArray(value) ? value.map(String) : [];
    return <FieldPicker {...shown} chosen={chosen} shape={shape} onChange={onChange} />;
  }
  const now = typeof value === "string" && value !== "" ? value : null;
  return (
    <Field {...shown}>
      <Combobox
        value={now}
        onChange={(next) => onChange(next ?? "")}
        options={fieldOptions(shape, now ? [now] : [])}
        free
      />
    </Field>
  );
}
