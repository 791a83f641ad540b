"use client";
import { Field as Base } from "@base-ui/react/field";
import { Input as BaseInput } from "@base-ui/react/input";
import { Search, X } from "lucide-react";
import type { ComponentProps } from "react";
import { cx } from "./cx.ts";

type InputProps = Omit<ComponentProps<"input">, "onChange" | "value" | "ref"> & {
  value: string;
  onChange: (value: string) => void;
  /** data, keys and formulas are set in mono */
  mono?: boolean;
};

/** One line of text. Inside a `Field` it takes its label, hint and error from there. */
export function Input({ value, onChange, mono, className, ...rest }: InputProps) {
  return (
    <BaseInput
      {...rest}
      value={value}
      onValueChange={onChange}
      className={cx(
        "control field-edge w-full min-w-0 px-2 text-ink read-only:bg-ground read-only:text-muted",
        mono && "font-mono text-caption",
        className,
      )}
    />
  );
}

/** Several lines of text. */
export function Textarea({
  value,
  onChange,
  mono,
  className,
  rows = 3,
  ...rest
}: Omit<ComponentProps<"textarea">, "onChange" | "value" | "ref"> & {
  value: string;
  onChange: (value: string) => void;
  mono?: boolean;
}) {
  return (
    <Base.Control
      value={value}
      onValueChange={onChange}
      render={
        <textarea
          {...rest}
          rows={rows}
          className={cx(
            "field-edge w-full min-w-0 resize-y px-2 py-1 text-work text-ink",
            mono && "font-mono text-caption",
            className,
          )}
        />
      }
    />
  );
}

/** A search box with its name, a magnifying glass and a way to empty it. */
export function SearchInput({
  label,
  value,
  onChange,
  className,
  placeholder = label,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  className?: string;
  placeholder?: string;
}) {
  return (
    <div className={cx("relative", className)}>
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2 size-3.5 -translate-y-1/2 text-faint"
      />
      <input
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || value === "") return;
          event.stopPropagation();
          onChange("");
        }}
        className="control field-edge w-full pr-7 pl-7 text-ink [&::-webkit-search-cancel-button]:hidden"
      />
      {value !== "" && (
        <button
          type="button"
          aria-label="Clear the search"
          onClick={() => onChange("")}
          className="absolute top-1/2 right-1 flex size-5 -translate-y-1/2 items-center justify-center rounded-mark text-muted hover:text-ink pointer-coarse:right-0 pointer-coarse:size-11"
        >
          <X aria-hidden className="size-3.5" />
        </button>
      )}
    </div>
  );
}
