"use client";
import type { MapStep } from "../../engine/steps/map/schema.ts";
export function Mapper({ step, onDone }: { step: MapStep; onDone: () => void }) {
  return (
    <button type="button" onClick={onDone}>
      {step.id}
    </button>
  );
}
