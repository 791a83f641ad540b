"use client";
import { ArrowRightLeft, CircleAlert } from "lucide-react";
import { chainToFormula } from "../../../engine/mapping/chain.ts";
import type { FieldMapping } from "../../../engine/mapping/field-mapping.ts";
import type { MapStep } from "../../../engine/steps/map/schema.ts";
import { Button } from "../../ui/button.tsx";
import { useEditor, useProblems } from "../editor-context.tsx";

/** The mapping in short; it is drawn in the mapper. */
export function MapForm({ step }: { step: MapStep }) {
  const { openMapper } = useEditor();
  const problems = useProblems(step.id);
  return (
    <>
      <Button look="primary" icon={ArrowRightLeft} onClick={() => openMapper(step.id)} className="w-full">
        Map fields
      </Button>
      {step.fields.length === 0 ? (
        <p className="text-work text-muted">Nothing is mapped yet. Only what is named in a map passes.</p>
      ) : (
        <ul className="divide-y divide-line rounded-control border border-line">
          {step.fields.map((rule) => (
            <li key={rule.to} className="flex items-baseline gap-2 px-2 py-1 font-mono text-caption">
              <span className="max-w-[45%] shrink-0 truncate text-ink">{rule.to}</span>
              <span className="min-w-0 flex-1 truncate text-muted" title={inShort(rule)}>
                ← {inShort(rule)}
              </span>
              {problems.of(rule.to) && (
                <CircleAlert aria-label={problems.of(rule.to)} className="size-3 shrink-0 self-center text-bad-text" />
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function inShort(rule: FieldMapping): string {
  try {
    return chainToFormula(rule);
  } catch {
    return "a function that is not known";
  }
}
