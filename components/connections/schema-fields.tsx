"use client";
import { Fragment, type ReactNode } from "react";
import { Disclosure } from "../ui/disclosure.tsx";
import { SchemaField } from "./schema-field.tsx";
import type { FormField } from "./schema-form.ts";
import type { Problems, Values } from "./schema-values.ts";

export type FormProps = {
  fields: FormField[];
  values: Values;
  onChange: (values: Values) => void;
  problems: Problems;
  /** path of this part within the form: "streams.0." */
  path?: string;
  /** secrets the server holds, by path */
  kept?: ReadonlySet<string>;
  /** fields that are never folded away, though they may stay empty */
  often?: readonly string[];
  /** controls that know more than the schema, by the name of the field they stand for */
  instead?: { [name: string]: ReactNode };
};

/** Fields of a form, or of a part of one: what is needed first, the rest folded away when there is much of it. */
export function SchemaFields({
  fields,
  values,
  onChange,
  problems,
  path = "",
  kept,
  often = [],
  instead = {},
}: FormProps) {
  const draw = ({ name, node }: FormField): ReactNode =>
    Object.hasOwn(instead, name) ? (
      <Fragment key={name}>{instead[name]}</Fragment>
    ) : (
      <SchemaField
        key={name}
        node={node}
        value={values[name]}
        onChange={(value) => onChange({ ...values, [name]: value })}
        problems={problems}
        path={`${path}${name}`}
        kept={kept}
      />
    );
  // What is declared before the last needed field belongs to it: host and port of a database stand beside its name.
  const lastNeeded = fields.findLastIndex(({ node }) => !node.optional);
  const isRare = (field: FormField) => fields.indexOf(field) > lastNeeded && isSpare(field);
  const isSpare = ({ name, node }: FormField) =>
    node.optional &&
    !often.includes(name) &&
    !(node.kind === "variants" && node.default) &&
    node.kind !== "list" &&
    node.kind !== "words";
  const rare = fields.filter(isRare);
  if (rare.length <= 2 || rare.length === fields.length)
    return <div className="flex flex-col gap-4">{fields.map(draw)}</div>;
  const isOpen = rare.some(({ name }) =>
    Object.keys(problems).some((at) => at === `${path}${name}` || at.startsWith(`${path}${name}.`)),
  );
  return (
    <div className="flex flex-col gap-4">
      {fields.filter((field) => !isRare(field)).map(draw)}
      <Disclosure key={isOpen ? "open" : "closed"} title={`${rare.length} more, seldom needed`} initiallyOpen={isOpen}>
        <div className="flex flex-col gap-4 border-l-2 border-line pl-3">{rare.map(draw)}</div>
      </Disclosure>
    </div>
  );
}
