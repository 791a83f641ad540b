"use client";
import type { LookupStep } from "../../../engine/steps/lookup/schema.ts";
import type { ReadStep } from "../../../engine/steps/read/schema.ts";
import type { WriteStep } from "../../../engine/steps/write/schema.ts";
import { Combobox } from "../../ui/combobox.tsx";
import { Field } from "../../ui/field.tsx";
import { Select } from "../../ui/select.tsx";
import { Tile } from "../../ui/tile.tsx";
import { useEditor, useProblems } from "../editor-context.tsx";

/** Connection and the stream or sink on it. A title that only repeats the place follows it. */
export function PlaceFields({ step }: { step: ReadStep | WriteStep | LookupStep }) {
  const { act, places } = useEditor();
  const problems = useProblems(step.id);
  const reads = step.kind !== "write";
  const name = reads ? step.stream : step.sink;
  const place = places.places.find((one) => one.name === step.connection);
  const made = reads ? undefined : place?.sinks?.find(({ names }) => names !== undefined);
  const offered = (reads ? place?.streams : place?.sinks?.filter((sink) => sink !== made)) ?? [];
  const change = (connection: string, chosen: string) => {
    const own = step.kind === "lookup" || (step.title !== undefined && step.title !== `${step.connection} · ${name}`);
    const title = own ? step.title : `${connection} · ${chosen}`;
    const next = reads ? { ...step, title, connection, stream: chosen } : { ...step, title, connection, sink: chosen };
    act({ type: "updateStep", step: next });
  };
  return (
    <>
      <Field label="Connection" error={problems.of("connection")} hint={place?.unavailable}>
        <Select
          value={step.connection === "" ? null : step.connection}
          onChange={(connection) => change(connection, "")}
          options={[
            ...places.places.map((one) => ({
              value: one.name,
              label: one.name,
              icon: <Tile {...places.markOf(one.connector)} />,
            })),
            ...(place || step.connection === "" ? [] : [{ value: step.connection, label: step.connection }]),
          ]}
        />
      </Field>
      <Field
        label={reads ? "Stream" : "Sink"}
        hint={
          reads
            ? "The table, file or list it reads."
            : `The table, file or list it writes to.${made ? ` For a ${made.title.toLowerCase()}, type a name (${made.name}).` : ""}`
        }
        error={problems.of(reads ? "stream" : "sink")}
      >
        <Combobox
          label={reads ? "Stream" : "Sink"}
          value={name === "" ? null : name}
          onChange={(chosen) => change(step.connection, chosen ?? "")}
          options={offered.map((one) => ({
            value: one.name,
            label: one.name,
            hint: one.title === one.name ? undefined : one.title,
          }))}
          free
        />
      </Field>
    </>
  );
}
