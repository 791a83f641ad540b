"use client";
import { useMemo, useState } from "react";
import { z } from "zod";
import type { Step } from "../../../engine/flow/schema.ts";
import { definitionOf } from "../../../engine/steps/registry.ts";
import { SchemaFields } from "../../connections/schema-fields.tsx";
import { readForm } from "../../connections/schema-form.ts";
import { cleanValues, type Values } from "../../connections/schema-values.ts";
import { useEditor, useProblems } from "../editor-context.tsx";

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
    return readForm(schema).filter(({ name }) => !hidden.has(name));
  }, [definition, hidden]);
  const [values, setValues] = useState<Values>(() => ({ ...step }));
  const [refused, setRefused] = useState<{ [path: string]: string }>({});
  const problems = useMemo(() => {
    const said = known.all.flatMap(({ field, message, remedy }) =>
      field ? [[field, `${message} ${remedy}`] as const] : [],
    );
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
  return <SchemaFields fields={fields} values={values} onChange={change} problems={problems} often={often} />;
}
