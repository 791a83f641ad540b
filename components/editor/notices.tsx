"use client";
import { TriangleAlert } from "lucide-react";
import type { BrokenStep } from "../../engine/flow/read-draft.ts";
import { Button } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";

/** Of two who edit, one decides: take theirs, or keep ours. */
export function ConflictNotice({ onReload, onKeep }: { onReload: () => void; onKeep: () => void }) {
  return (
    <div className="border-b border-line bg-surface p-2">
      <Notice
        tone="warn"
        icon={TriangleAlert}
        action={
          <span className="flex gap-2">
            <Button onClick={onReload}>Reload</Button>
            <Button onClick={onKeep}>Keep mine</Button>
          </span>
        }
      >
        This draft was changed elsewhere since you opened it. Reload to see that change and lose yours, or keep yours
        and put it over the other.
      </Notice>
    </div>
  );
}

/** Steps of an imported or newer document that this version cannot read. */
export function UnreadableNotice({
  steps,
  onRemove,
  readOnly,
}: {
  steps: BrokenStep[];
  onRemove: () => void;
  readOnly: boolean;
}) {
  return (
    <div className="border-b border-line bg-surface p-2">
      <Notice
        tone="warn"
        icon={TriangleAlert}
        action={readOnly ? undefined : <Button onClick={onRemove}>Remove {count(steps.length, "step")}</Button>}
      >
        {count(steps.length, "step")} of this document cannot be read and {steps.length === 1 ? "is" : "are"} kept as{" "}
        {steps.length === 1 ? "it" : "they"} came: {steps.map(({ title, id }) => `“${title ?? id}”`).join(", ")}. What
        is wrong is listed under Problems.
      </Notice>
    </div>
  );
}
