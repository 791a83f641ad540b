"use client";
import { Plus, SlidersHorizontal } from "lucide-react";
import { Button } from "../ui/button.tsx";

/** On a phone the panels are sheets; these bring them up. */
export function NarrowButtons({
  step,
  readOnly,
  onOpen,
}: {
  /** a step is chosen */
  step: boolean;
  readOnly: boolean;
  onOpen: (sheet: "palette" | "inspector") => void;
}) {
  return (
    <div className="absolute right-3 bottom-3 flex gap-2">
      <Button icon={SlidersHorizontal} onClick={() => onOpen("inspector")}>
        {step ? "Step" : "Flow"}
      </Button>
      {!readOnly && (
        <Button icon={Plus} onClick={() => onOpen("palette")}>
          Add
        </Button>
      )}
    </div>
  );
}
