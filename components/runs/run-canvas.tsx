"use client";
import { ChevronRight } from "lucide-react";
import { Fragment } from "react";
import type { RunStepCounts } from "../../server/trpc/contract.ts";
import { cx } from "../ui/cx.ts";
import { formatNumber } from "../ui/format.ts";
import { stepsOf } from "./steps-of.ts";

/** The flow of a run with the counts on it. */
export function RunCanvas({
  document,
  steps,
  running,
  dry,
}: {
  document: unknown;
  steps: RunStepCounts[];
  running: boolean;
  dry: boolean;
}) {
  const counts = new Map(steps.map((step) => [step.id, step]));
  return (
    <ol
      aria-label="Steps with their counts"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      className="thin-scroll flex items-center gap-1 overflow-x-auto p-4"
    >
      {stepsOf(document).map((step, index) => {
        const counted = counts.get(step.id);
        return (
          <Fragment key={step.id}>
            {index > 0 && (
              <ChevronRight aria-hidden className={cx("size-4 shrink-0 text-faint", running && "animate-pulse-soft")} />
            )}
            <li
              className={cx(
                "w-44 shrink-0 rounded-card border bg-surface px-3 py-2",
                dry ? "border-dry" : "border-line",
              )}
            >
              <p className="truncate font-medium">{step.title}</p>
              <p className="text-caption text-muted tabular-nums">
                {formatNumber(counted?.in ?? 0)} in
                {counted && counted.dead > 0 && (
                  <span className="text-bad-text"> · {formatNumber(counted.dead)} failed</span>
                )}
              </p>
            </li>
          </Fragment>
        );
      })}
    </ol>
  );
}
