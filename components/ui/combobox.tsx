"use client";
import { Combobox as Base } from "@base-ui/react/combobox";
import { Check, ChevronsUpDown } from "lucide-react";
import { useEffect, useState } from "react";
import { cx } from "./cx.ts";
import type { Option } from "./select.tsx";

type Shared = {
  options: Option[];
  label?: string;
  placeholder?: string;
  empty?: string;
  disabled?: boolean;
  className?: string;
};

/** One of many values, found by typing. `free` also takes what was typed, when it is in no option. */
export function Combobox({
  value,
  onChange,
  options,
  label,
  placeholder,
  empty = "Nothing matches.",
  free,
  disabled,
  className,
}: Shared & { value: string | null; onChange: (value: string | null) => void; free?: boolean }) {
  const chosen = value === null ? null : (options.find((option) => option.value === value) ?? { value, label: value });
  const shown = chosen?.label ?? "";
  const [open, setOpen] = useState(false);
  // The text is ours: left to itself, the box would put the chosen label back at each key, because the options are new objects.
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const typed = text.trim();
  const known = typed === shown || options.some((option) => option.value === typed || option.label === typed);
  const own: Option[] = free && typed !== "" && !known ? [{ value: typed, label: typed, hint: "as typed" }] : [];
  return (
    <Base.Root
      items={[...options, ...own]}
      value={chosen}
      onValueChange={(next) => onChange(next?.value ?? null)}
      inputValue={text}
      onInputValueChange={setText}
      isItemEqualToValue={(a, b) => a.value === b.value}
      open={open}
      onOpenChange={setOpen}
      disabled={disabled}
      autoHighlight
    >
      <Base.InputGroup
        className={cx(
          "control field-edge relative flex w-full min-w-0 items-center focus-within:outline-2 focus-within:outline-offset-1 focus-within:outline-focus",
          className,
        )}
      >
        <Base.Input
          aria-label={label}
          placeholder={placeholder}
          onKeyDown={(event) => {
            // With the list closed Escape would take the value away. It leaves what is around, such as a dialog.
            if (event.key !== "Escape" || open) return;
            event.preventBaseUIHandler();
            setText(shown);
          }}
          className="h-full w-full min-w-0 bg-transparent pr-6 pl-2 text-ink outline-none"
        />
        <Base.Trigger
          aria-label="Show the list"
          className="absolute right-0 flex h-full w-6 items-center justify-center"
        >
          <ChevronsUpDown aria-hidden className="size-3.5 text-faint" />
        </Base.Trigger>
      </Base.InputGroup>
      <Base.Portal>
        <Base.Positioner sideOffset={4} className="z-50 outline-none">
          <Base.Popup className="float-motion w-(--anchor-width) min-w-48 max-w-(--available-width) rounded-card bg-surface shadow-float">
            <Base.Empty>
              <div className="p-3 text-work text-muted">{empty}</div>
            </Base.Empty>
            <Base.List className="thin-scroll max-h-[min(20rem,var(--available-height))] overflow-y-auto overscroll-contain p-1 outline-none data-empty:p-0">
              {(option: Option) => (
                <Base.Item
                  key={option.value}
                  value={option}
                  className="grid cursor-default grid-cols-[1fr_16px] items-center gap-2 rounded-control px-2 py-1 outline-none select-none data-highlighted:bg-hover pointer-coarse:py-2.5"
                >
                  <span className="flex min-w-0 items-center gap-2">
                    {option.icon}
                    <span className="min-w-0">
                      <span className="block truncate text-work text-ink">{option.label}</span>
                      {option.hint && <span className="block truncate text-caption text-muted">{option.hint}</span>}
                    </span>
                  </span>
                  <Base.ItemIndicator>
                    <Check aria-hidden className="size-3.5 text-accent-text" />
                  </Base.ItemIndicator>
                </Base.Item>
              )}
            </Base.List>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
