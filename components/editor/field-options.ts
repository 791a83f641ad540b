import type { Field } from "../../connectors/sdk/types.ts";
import { writePath } from "../../engine/mapping/names.ts";
import type { Shape } from "../../engine/steps/define-step.ts";
import type { Option } from "../ui/select.tsx";

export type FlatField = { path: string; field: Field; depth: number; parent: string | null };

/** Fields with those of nested records behind them, each with the path that names it. Fields of list items are left out: they need a formula. */
export function flatFields(fields: readonly Field[], parents: readonly string[] = []): FlatField[] {
  return fields.flatMap((field) => {
    const parts = [...parents, field.name];
    const path = parts.length === 1 ? pathOfTop(field.name) : writePath(parts);
    const parent = parents.length === 0 ? null : parents.length === 1 ? pathOfTop(parents[0]!) : writePath(parents);
    const own: FlatField = { path, field, depth: parents.length, parent };
    const inner = field.type === "record" && field.fields ? flatFields(field.fields, parts) : [];
    return [own, ...inner];
  });
}

/** A whole name is found before a path, so a field at the top is written as it is called. */
function pathOfTop(name: string): string {
  return name;
}

/** Fields to choose from, with their types; what is chosen already stays even when it does not arrive. */
export function fieldOptions(shape: Shape, chosen: readonly string[] = []): Option[] {
  const known = flatFields(shape.fields).map(
    ({ path, field }): Option => ({ value: path, label: path, hint: field.type }),
  );
  const names = new Set(known.map(({ value }) => value));
  return [
    ...known,
    ...chosen.filter((name) => name !== "" && !names.has(name)).map((name) => ({ value: name, label: name })),
  ];
}
