"use client";
import { Field as Base } from "@base-ui/react/field";
import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx.ts";

/**
 * A control with its label, hint and error, tied together for screen readers. The control inside is one of the kit
 * (Input, Textarea, Select, Combobox, Switch, Checkbox).
 * @param error what was expected and what to do; while set, the control is marked invalid
 */
export function Field({
  label,
  hint,
  error,
  required,
  optional,
  className,
  children,
}: {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  /** shows “optional” beside the label, for forms in which most fields are needed */
  optional?: boolean;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Base.Root invalid={Boolean(error)} className={cx("flex min-w-0 flex-col gap-1", className)}>
      <Base.Label className="flex items-baseline gap-1.5 text-work font-medium text-ink">
        {label}
        {required && (
          <span aria-hidden className="text-bad-text">
            *
          </span>
        )}
        {optional && <span className="text-caption font-normal text-faint">optional</span>}
      </Base.Label>
      {children}
      {hint && !error && <Base.Description className="text-caption text-muted">{hint}</Base.Description>}
      <Base.Error match={Boolean(error)} className="flex gap-1 text-caption text-bad-text">
        <CircleAlert aria-hidden className="mt-0.5 size-3 shrink-0" />
        <span>{error}</span>
      </Base.Error>
    </Base.Root>
  );
}
