"use client";
import { Checkbox as BaseCheckbox } from "@base-ui/react/checkbox";
import { Switch as BaseSwitch } from "@base-ui/react/switch";
import { Check, Minus } from "lucide-react";
import { cx } from "./cx.ts";

type Toggle = {
  checked: boolean;
  onChange: (checked: boolean) => void /** its name when no Field is around it */;
  label?: string;
  disabled?: boolean;
  className?: string;
};

/** Chooses one of many, or agrees to something. `some` shows that a part is chosen. */
export function Checkbox({ checked, onChange, label, disabled, some, className }: Toggle & { some?: boolean }) {
  return (
    <BaseCheckbox.Root
      checked={checked}
      indeterminate={some}
      onCheckedChange={onChange}
      disabled={disabled}
      aria-label={label}
      className={cx(
        "relative inline-flex size-4 shrink-0 items-center justify-center rounded-mark align-middle border border-faint pointer-coarse:after:absolute pointer-coarse:after:-inset-3.5 bg-surface data-checked:border-accent data-checked:bg-accent data-indeterminate:border-accent data-indeterminate:bg-accent data-disabled:opacity-50",
        className,
      )}
    >
      <BaseCheckbox.Indicator className="text-on-accent">
        {some ? <Minus aria-hidden className="size-3" /> : <Check aria-hidden className="size-3" />}
      </BaseCheckbox.Indicator>
    </BaseCheckbox.Root>
  );
}

/** Turns something on or off at once. */
export function Switch({ checked, onChange, label, disabled, className }: Toggle) {
  return (
    <BaseSwitch.Root
      checked={checked}
      onCheckedChange={onChange}
      disabled={disabled}
      aria-label={label}
      className={cx(
        "relative inline-flex h-4.5 w-8 shrink-0 items-center rounded-full bg-faint p-0.5 pointer-coarse:after:absolute pointer-coarse:after:-inset-x-1.5 pointer-coarse:after:-inset-y-3 transition-colors data-checked:bg-accent data-disabled:opacity-50",
        className,
      )}
    >
      <BaseSwitch.Thumb className="size-3.5 rounded-full bg-surface transition-transform data-checked:translate-x-3.5" />
    </BaseSwitch.Root>
  );
}
