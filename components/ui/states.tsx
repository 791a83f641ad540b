"use client";
import { CircleAlert, type LucideIcon, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { cx } from "./cx.ts";

/** Nothing here yet: what would be here, and the way to the first one. */
export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
  compact,
}: {
  icon: LucideIcon;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
}) {
  return (
    <div className={cx("flex flex-col items-center justify-center gap-1 px-4 text-center", compact ? "py-8" : "py-16")}>
      <Icon aria-hidden className="mb-2 size-6 text-faint" />
      <div className="text-body font-medium text-ink">{title}</div>
      {children && <div className="max-w-md text-work text-balance text-muted">{children}</div>}
      {action && <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** Something could not be shown: what, why, and what to do about it. */
export function ErrorState({
  title,
  why,
  remedy,
  onRetry,
  busy,
}: {
  title: string;
  why?: ReactNode;
  remedy?: ReactNode;
  onRetry?: () => void;
  busy?: boolean;
}) {
  return (
    <div role="alert" className="flex flex-col items-center justify-center gap-1 px-4 py-12 text-center">
      <CircleAlert aria-hidden className="mb-2 size-6 text-bad-text" />
      <p className="text-body font-medium text-ink">{title}</p>
      {why && <p className="max-w-lg text-work break-words text-muted">{why}</p>}
      {remedy && <p className="max-w-lg text-work text-muted">{remedy}</p>}
      {onRetry && (
        <Button icon={RotateCw} onClick={onRetry} busy={busy} className="mt-3">
          Try again
        </Button>
      )}
    </div>
  );
}

/** A sentence that must be noticed within a page or a form. */
export function Notice({
  tone,
  icon: Icon,
  children,
  action,
}: {
  tone: "warn" | "bad" | "run" | "dry" | "ok";
  icon: LucideIcon;
  children: ReactNode;
  action?: ReactNode;
}) {
  const grounds = {
    warn: "bg-warn-soft",
    bad: "bg-bad-soft",
    run: "bg-run-soft",
    dry: "bg-dry-soft",
    ok: "bg-ok-soft",
  };
  const texts = {
    warn: "text-warn-text",
    bad: "text-bad-text",
    run: "text-run-text",
    dry: "text-dry-text",
    ok: "text-ok-text",
  };
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={cx(
        "flex h-fit flex-wrap items-center gap-x-3 gap-y-2 rounded-card px-3 py-2 text-work text-ink",
        grounds[tone],
      )}
    >
      <div className="flex min-w-0 flex-1 basis-48 gap-3 max-sm:basis-60">
        <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", texts[tone])} />
        <div className="min-w-0 flex-1 break-words">{children}</div>
      </div>
      {action}
    </div>
  );
}

/** The place of something that is on its way. Give it the size of what comes. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cx("animate-pulse-soft rounded-control bg-line", className)} />;
}

/** Rows of a table on their way. */
export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y divide-line rounded-card border border-line bg-surface">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of a skeleton have no identity
        <div key={index} className="flex h-9 items-center gap-6 px-3">
          <Skeleton className="h-3 w-1/3" />
          <Skeleton className="h-3 w-20" />
          <Skeleton className="h-3 w-24 max-sm:hidden" />
          <Skeleton className="ml-auto h-3 w-16" />
        </div>
      ))}
    </div>
  );
}
