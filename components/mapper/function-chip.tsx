"use client";
import { Popover } from "@base-ui/react/popover";
import { ArrowLeft, ArrowRight, Trash2 } from "lucide-react";
import { useState } from "react";
import { findChainFunction } from "../../engine/mapping/chain-functions.ts";
import type { ChainItem } from "../../engine/mapping/field-mapping.ts";
import { IconButton } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";
import { chipText, entries } from "./function-entries.ts";
import { FunctionForm, functionPopup } from "./function-form.tsx";
import { itemOf, partsOf } from "./mapping-edits.ts";

/** A function on a line: press to change its arguments, move it along the line, or take it away. */
export function FunctionChip({
  item,
  index,
  length,
  target,
  onChange,
  onMove,
  onRemove,
  readOnly,
}: {
  item: ChainItem;
  index: number;
  length: number;
  target: string;
  onChange: (item: ChainItem) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
  readOnly: boolean;
}) {
  const [open, setOpen] = useState(false);
  const { fn, args } = partsOf(item);
  const entry = entries.find(({ id }) => id.toLowerCase() === fn.toLowerCase());
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        disabled={readOnly}
        aria-label={`${chipText(item)}, function ${index + 1} on ${target}`}
        className={cx(
          "h-5.5 max-w-36 truncate rounded-control border px-1.5 font-mono text-[11px] leading-5 pointer-coarse:h-9",
          entry || findChainFunction(fn.split("(")[0] ?? "")
            ? "border-edge bg-surface text-ink hover:border-accent"
            : "border-bad bg-bad-soft text-bad-text",
        )}
      >
        {chipText(item)}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} className="z-50">
          <Popover.Popup aria-label={`Function ${fn}`} className={cx(functionPopup, "max-h-90 w-80 gap-3 p-3")}>
            <div className="flex items-center gap-1">
              <span className="min-w-0 flex-1 truncate text-caption text-muted">on {target}</span>
              <IconButton label="Earlier" icon={ArrowLeft} disabled={index === 0} onClick={() => onMove(-1)} />
              <IconButton label="Later" icon={ArrowRight} disabled={index === length - 1} onClick={() => onMove(1)} />
              <IconButton
                label="Remove the function"
                icon={Trash2}
                onClick={() => {
                  setOpen(false);
                  onRemove();
                }}
              />
            </div>
            {entry ? (
              <FunctionForm
                key={entry.id}
                entry={entry}
                args={args}
                action="Change"
                onSave={(next) => {
                  onChange(itemOf(entry.id, next));
                  setOpen(false);
                }}
              />
            ) : (
              <p className="text-work text-muted">
                “{fn}” cannot be changed here. Remove it, or write the rule as a formula.
              </p>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
