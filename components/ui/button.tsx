"use client";
import { Loader2, type LucideIcon } from "lucide-react";
import Link from "next/link";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx.ts";
import { Tooltip } from "./tooltip.tsx";

type Look = "primary" | "plain" | "quiet" | "danger";
type Shared = { look?: Look; large?: boolean; icon?: LucideIcon; children?: ReactNode };

const looks: Record<Look, string> = {
  primary: "bg-accent text-on-accent font-medium hover:not-disabled:bg-accent-strong",
  plain: "border border-edge bg-surface text-ink font-medium hover:not-disabled:bg-hover",
  quiet: "text-muted font-medium hover:not-disabled:bg-hover hover:not-disabled:text-ink",
  danger: "bg-bad-strong text-on-bad font-medium hover:not-disabled:opacity-90",
};

function shape({ look = "plain", large }: Shared, extra?: string) {
  return cx(
    "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap transition-colors",
    "disabled:cursor-not-allowed disabled:opacity-55 aria-disabled:cursor-not-allowed",
    large || look === "primary" ? "control-large px-3" : "control px-2.5",
    looks[look],
    extra,
  );
}

/**
 * A button says what it does with a verb. One `primary` a page.
 * @param busy shows a spinner and refuses further presses while the action runs
 */
export function Button({
  look,
  large,
  icon: Icon,
  busy,
  children,
  className,
  disabled,
  ...rest
}: Shared & { busy?: boolean } & ComponentProps<"button">) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={shape({ look, large }, className)}
    >
      {busy ? (
        <Loader2 aria-hidden className="size-3.5 animate-spin" />
      ) : (
        Icon && <Icon aria-hidden className="size-3.5" />
      )}
      {children}
    </button>
  );
}

/** The same, going to another page. */
export function ButtonLink({
  look,
  large,
  icon: Icon,
  children,
  className,
  ...rest
}: Shared & ComponentProps<typeof Link>) {
  return (
    <Link {...rest} className={shape({ look, large }, className)}>
      {Icon && <Icon aria-hidden className="size-3.5" />}
      {children}
    </Link>
  );
}

/** A square button with only an icon; `label` is its name for everyone: read aloud and shown on hover. */
export function IconButton({
  label,
  icon: Icon,
  look = "quiet",
  keys,
  className,
  ...rest
}: Omit<Shared, "children" | "icon"> & { label: string; icon: LucideIcon; keys?: string } & ComponentProps<"button">) {
  return (
    <Tooltip text={label} keys={keys}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={shape({ look }, cx("aspect-square px-0!", className))}
      >
        <Icon aria-hidden className="size-4" />
      </button>
    </Tooltip>
  );
}
