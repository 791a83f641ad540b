"use client";
import { Select as Base } from "@base-ui/react/select";
import { Check, ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx.ts";

export type Option<Value extends string = string> = { value: Value; label: string; hint?: string; icon?: ReactNode };

/** One of a few known values. For long lists, or where typing helps, use Combobox. Needs a Field around it or a `label`. */
export function Select<Value extends string>({
  value,
  onChange,
  options,
  label,
  placeholder = "Choose",
  disabled,
  className,
}: {
  value: Value | null;
  onChange: (value: Value) => void;
  options: Option<Value>[];
  /** its name when no Field is around it */
  label?: string;
  placeholder?: string;
  disabled?: boolean;
  className?: string;
}) {
  const chosen = options.find((option) => option.value === value);
  return (
    <Base.Root
      items={options}
      value={value}
      onValueChange={(next) => next !== null && onChange(next)}
      disabled={disabled}
    >
      <Base.Trigger
        aria-label={label}
        className={cx(
          "control field-edge flex w-full min-w-0 items-center justify-between gap-1.5 pr-1.5 pl-2 text-left text-ink",
          className,
        )}
      >
        <span className="flex min-w-0 items-center gap-1.5">
          {chosen?.icon}
          <Base.Value placeholder={placeholder} className="truncate data-placeholder:text-faint" />
        </span>
        <Base.Icon>
          <ChevronsUpDown aria-hidden className="size-3.5 text-faint" />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} alignItemWithTrigger={false} className="z-50 outline-none">
          <Base.Popup className="float-motion thin-scroll max-h-(--available-height) min-w-(--anchor-width) max-w-[min(28rem,var(--available-width))] overflow-y-auto rounded-card bg-surface p-1 shadow-float outline-none">
            {options.map((option) => (
              <Base.Item
                key={option.value}
                value={option.value}
                className="grid cursor-default grid-cols-[1fr_16px] items-center gap-2 rounded-control px-2 py-1 outline-none select-none data-highlighted:bg-hover pointer-coarse:py-2.5"
              >
                <span className="flex min-w-0 items-center gap-2">
                  {option.icon}
                  <span className="min-w-0">
                    <Base.ItemText className="block text-work text-ink">{option.label}</Base.ItemText>
                    {option.hint && <span className="block text-caption text-muted">{option.hint}</span>}
                  </span>
                </span>
                <Base.ItemIndicator>
                  <Check aria-hidden className="size-3.5 text-accent-text" />
                </Base.ItemIndicator>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
