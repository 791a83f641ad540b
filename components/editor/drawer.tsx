"use client";
import { ChevronRight, CircleAlert, CircleCheck } from "lucide-react";
import type { Problem } from "../../engine/steps/define-step.ts";
import { nounOf, runSentence } from "../runs/run-words.ts";
import type { useLiveRun } from "../runs/use-live-run.ts";
import { cx } from "../ui/cx.ts";
import { RelativeTime } from "../ui/values.tsx";
import { DataPanel } from "./data-panel.tsx";
import { useEditor } from "./editor-context.tsx";
import { ProblemList } from "./problem-list.tsx";
import { RunPanel } from "./run-panel.tsx";

export type DrawerPart = "problems" | "data" | "run";

/** The bottom of the editor: problems, data at the chosen step, the last run. One is open at a time. */
export function Drawer({
  part,
  onPart,
  onJump,
  run,
  runId,
}: {
  part: DrawerPart | null;
  onPart: (part: DrawerPart | null) => void;
  onJump: (problem: Problem) => void;
  run: ReturnType<typeof useLiveRun>;
  runId: string | null;
}) {
  const { problems } = useEditor();
  const last = run.data;
  const parts: { id: DrawerPart; label: React.ReactNode }[] = [
    {
      id: "problems",
      label: (
        <span className={cx("flex items-center gap-1", problems.length > 0 && "text-bad-text")}>
          {problems.length > 0 ? (
            <CircleAlert aria-hidden className="size-3.5" />
          ) : (
            <CircleCheck aria-hidden className="size-3.5 text-ok-text" />
          )}
          Problems {problems.length}
        </span>
      ),
    },
    { id: "data", label: "Data" },
    {
      id: "run",
      label: (
        <span className="flex min-w-0 gap-1">
          Last run
          {last && (
            <span
              className={cx("truncate font-normal max-sm:hidden", last.mode === "dry" ? "text-dry-text" : "text-muted")}
            >
              <RelativeTime at={last.startedAt ?? last.createdAt} /> · {runSentence(last, nounOf(last.document))}
            </span>
          )}
        </span>
      ),
    },
  ];
  return (
    <section aria-label="Problems, data and last run" className="shrink-0 border-t border-line bg-surface">
      <div className="flex h-9 items-center gap-1 overflow-x-auto px-2 pointer-coarse:h-12">
        {parts.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            aria-expanded={part === id}
            onClick={() => onPart(part === id ? null : id)}
            className={cx(
              "flex h-7 min-w-0 items-center gap-1 rounded-control px-2 text-work font-medium whitespace-nowrap -outline-offset-2 hover:bg-hover pointer-coarse:h-11",
              id !== "run" && "shrink-0",
              part === id ? "text-ink" : "text-muted",
            )}
          >
            <ChevronRight
              aria-hidden
              className={cx("size-3.5 shrink-0 transition-transform", part === id && "rotate-90")}
            />
            {label}
          </button>
        ))}
      </div>
      {part && (
        <section
          aria-label={part === "data" ? "Data at the chosen step" : part === "run" ? "Last run" : "Problems"}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          className="thin-scroll h-[min(34dvh,300px)] overflow-y-auto border-t border-line -outline-offset-2"
        >
          {part === "problems" && <ProblemList onJump={onJump} />}
          {part === "data" && <DataPanel />}
          {part === "run" && <RunPanel run={run} runId={runId} />}
        </section>
      )}
    </section>
  );
}
