"use client";
import { Equal, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { LookupStep } from "../../../engine/steps/lookup/schema.ts";
import { Button, IconButton } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { useEditor, useInput, useProblems } from "../editor-context.tsx";
import { fieldOptions } from "../field-options.ts";

/** Field there, field of the record; empty while it is not chosen yet. */
type Pair = [there: string, here: string];

/** By which fields a lookup finds a record: one there, one here. A pair that is not complete is kept here and is no part of the flow yet. */
export function MatchFields({ step }: { step: LookupStep }) {
  const { act, places, readOnly } = useEditor();
  const error = useProblems(step.id).of("match");
  const input = useInput(step);
  const place = places.places.find(({ name }) => name === step.connection);
  const stream = place?.streams?.find(({ name }) => name === step.stream);
  const [begun, setBegun] = useState<Pair | null>(null);
  const known: Pair[] = Object.entries(step.match);
  const pairs = begun ? [...known, begun] : known.length === 0 ? [["", ""] satisfies Pair] : known;
  const set = (next: Pair[]) => {
    const done = next.filter(([there, here]) => there !== "" && here !== "");
    setBegun(next.find(([there, here]) => (there === "") !== (here === "")) ?? null);
    if (JSON.stringify(done) !== JSON.stringify(known))
      act({ type: "updateStep", step: { ...step, match: Object.fromEntries(done) } });
  };
  const change = (at: number, pair: Pair) => set(pairs.map((old, index) => (index === at ? pair : old)));
  return (
    <section aria-label="A record is found by" data-field="match" className="flex flex-col gap-1.5">
      <h3 className="text-work font-medium text-ink">A record is found by</h3>
      {pairs.map(([there, here], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a pair has no identity but its place
        <div key={index} className="flex items-center gap-1.5">
          <Combobox
            label={`Field there, ${index + 1}`}
            placeholder="field there"
            value={there === "" ? null : there}
            onChange={(next) => change(index, [next ?? "", here])}
            options={fieldOptions({ fields: stream?.fields ?? [], open: true }, [there])}
            free
            disabled={readOnly}
          />
          <Equal aria-label="equals" className="size-3.5 shrink-0 text-faint" />
          <Combobox
            label={`Field here, ${index + 1}`}
            placeholder="field here"
            value={here === "" ? null : here}
            onChange={(next) => change(index, [there, next ?? ""])}
            options={fieldOptions(input, [here])}
            free
            disabled={readOnly}
          />
          {(pairs.length > 1 || there !== "" || here !== "") && (
            <IconButton
              label={there === "" && here === "" ? "Remove the empty pair" : `Remove the pair ${there} ${here}`}
              icon={Trash2}
              onClick={() => set(pairs.filter((_, at) => at !== index))}
            />
          )}
        </div>
      ))}
      {error ? (
        <p className="text-caption text-bad-text">{error}</p>
      ) : (
        <p className="text-caption text-muted">The field of the record there equals the one of the record here.</p>
      )}
      {known.length > 0 && !begun && !readOnly && (
        <div>
          <Button icon={Plus} look="quiet" onClick={() => setBegun(["", ""])}>
            And another field
          </Button>
        </div>
      )}
    </section>
  );
}
