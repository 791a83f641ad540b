"use client";
import { Combobox } from "@base-ui/react/combobox";
import { Menu as Base } from "@base-ui/react/menu";
import { Check, ChevronDown, X } from "lucide-react";
import { usePathname, useSearchParams } from "next/navigation";
import { type ReactNode, useCallback } from "react";
import { cx } from "./cx.ts";
import type { Option } from "./select.tsx";

/** One value kept in the address, so that a view can be shared and survives a reload. Null when it is not set. */
export function useUrlValue(name: string): [string | null, (value: string | null) => void] {
  const search = useSearchParams();
  const path = usePathname();
  const set = useCallback(
    (value: string | null) => {
      // The address as it is now, not as it was rendered: two values may be set in one go.
      const next = new URLSearchParams(window.location.search);
      if (value === null || value === "") next.delete(name);
      else next.set(name, value);
      const text = next.toString();
      // Next hears of it; the router's own way would first ask the server for a page that is the same.
      window.history.replaceState(null, "", text ? `${path}?${text}` : path);
    },
    [name, path],
  );
  return [search.get(name), set];
}

const trigger = "flex h-full items-center gap-1 px-2 -outline-offset-2 hover:text-ink";

/** More than can be looked through at a glance: a box to search them is shown. */
const MANY = 12;

/** A filter as a chip: its name, or its name and value with a cross to take it away. */
export function FilterChip({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: Option[];
  value: string | null;
  onChange: (value: string | null) => void;
}) {
  const chosen = options.find((option) => option.value === value);
  const text = chosen?.label ?? value;
  const face = (
    <>
      {label}
      {value && ":"}
      {value ? (
        <span className="max-w-40 truncate font-medium">{text}</span>
      ) : (
        <ChevronDown aria-hidden className="size-3" />
      )}
    </>
  );
  return (
    <span
      className={cx(
        "control inline-flex items-center overflow-hidden border text-work",
        value ? "border-accent bg-accent-soft text-accent-text" : "border-edge border-dashed text-muted",
      )}
    >
      {options.length > MANY ? (
        <SearchedOptions label={label} options={options} chosen={chosen ?? null} onChange={onChange}>
          {face}
        </SearchedOptions>
      ) : (
        <Base.Root>
          <Base.Trigger className={trigger}>{face}</Base.Trigger>
          <Base.Portal>
            <Base.Positioner sideOffset={4} align="start" className="z-50 outline-none">
              <Base.Popup className="float-motion thin-scroll max-h-(--available-height) min-w-40 overflow-y-auto rounded-card bg-surface p-1 shadow-float outline-none">
                <Base.RadioGroup
                  value={value ?? ""}
                  onValueChange={(next) => onChange(next === value ? null : String(next))}
                >
                  {options.map((option) => (
                    <Base.RadioItem
                      key={option.value}
                      value={option.value}
                      closeOnClick
                      className="grid cursor-default grid-cols-[1fr_16px] items-center gap-2 rounded-control px-2 py-1 text-work text-ink outline-none data-highlighted:bg-hover pointer-coarse:py-2.5"
                    >
                      <span className="flex items-center gap-2">
                        {option.icon}
                        {option.label}
                      </span>
                      <Base.RadioItemIndicator>
                        <Check aria-hidden className="size-3.5 text-accent-text" />
                      </Base.RadioItemIndicator>
                    </Base.RadioItem>
                  ))}
                </Base.RadioGroup>
              </Base.Popup>
            </Base.Positioner>
          </Base.Portal>
        </Base.Root>
      )}
      {value && (
        <button
          type="button"
          aria-label={`Remove the filter ${label}`}
          onClick={() => onChange(null)}
          className="flex h-full w-6 items-center justify-center -outline-offset-2 hover:bg-hover"
        >
          <X aria-hidden className="size-3" />
        </button>
      )}
    </span>
  );
}

function SearchedOptions({
  label,
  options,
  chosen,
  onChange,
  children,
}: {
  label: string;
  options: Option[];
  chosen: Option | null;
  onChange: (value: string | null) => void;
  children: ReactNode;
}) {
  return (
    <Combobox.Root items={options} value={chosen} onValueChange={(next) => onChange(next?.value ?? null)}>
      <Combobox.Trigger aria-label={chosen ? `${label}: ${chosen.label}` : label} className={trigger}>
        {children}
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner sideOffset={4} align="start" className="z-50 outline-none">
          <Combobox.Popup
            aria-label={label}
            className="float-motion flex max-h-[min(24rem,var(--available-height))] w-72 max-w-(--available-width) flex-col rounded-card bg-surface shadow-float"
          >
            <Combobox.Input
              aria-label={`Find: ${label}`}
              placeholder="Find"
              className="control m-1 mb-0 rounded-control border border-edge bg-surface px-2 text-ink"
            />
            <Combobox.Empty>
              <div className="p-3 text-work text-muted">Nothing matches.</div>
            </Combobox.Empty>
            <Combobox.List className="thin-scroll min-h-0 flex-1 overflow-y-auto overscroll-contain p-1 outline-none data-empty:p-0">
              {(option: Option) => (
                <Combobox.Item
                  key={option.value}
                  value={option}
                  className="grid cursor-default grid-cols-[1fr_16px] items-center gap-2 rounded-control px-2 py-1 text-work text-ink outline-none select-none data-highlighted:bg-hover pointer-coarse:py-2.5"
                >
                  <span className="truncate">{option.label}</span>
                  <Combobox.ItemIndicator>
                    <Check aria-hidden className="size-3.5 text-accent-text" />
                  </Combobox.ItemIndicator>
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}
