"use client";
import { CircleAlert, CircleCheck, Info } from "lucide-react";
import type { Problem } from "../../engine/steps/define-step.ts";
import { titleOf } from "../canvas/to-react-flow.ts";
import { EmptyState } from "../ui/states.tsx";
import { say, useEditor } from "./editor-context.tsx";

/** What must be mended, each leading to its step and field, then what is worth knowing. */
export function ProblemList({ onJump, problems }: { onJump?: (problem: Problem) => void; problems?: Problem[] }) {
  const editor = useEditor();
  const list = problems ?? editor.problems;
  const titles = new Map(editor.flow.steps.map((step) => [step.id, titleOf(step)]));
  if (list.length === 0 && editor.notes.length === 0)
    return (
      <EmptyState compact icon={CircleCheck} title="Nothing to mend">
        The flow can be published.
      </EmptyState>
    );
  return (
    <ul className="divide-y divide-line">
      {list.map((problem, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same sentence may come twice
        <li key={`${problem.step} ${problem.field} ${problem.message} ${index}`}>
          {onJump ? (
            <button
              type="button"
              onClick={() => onJump(problem)}
              className="flex w-full gap-2 px-3 py-1.5 text-left hover:bg-hover"
            >
              <One problem={problem} title={titles.get(problem.step) ?? (problem.step || "Flow")} />
            </button>
          ) : (
            <div className="flex gap-2 px-3 py-1.5">
              <One problem={problem} />
            </div>
          )}
        </li>
      ))}
      {!problems &&
        editor.notes.map((note) => (
          <li key={`${note.step} ${note.message}`} className="flex gap-2 px-3 py-1.5 text-work text-muted">
            <Info aria-hidden className="mt-0.5 size-3.5 shrink-0 text-run-text" />
            <span>{note.message}</span>
          </li>
        ))}
    </ul>
  );
}

function One({ problem, title }: { problem: Problem; title?: string }) {
  return (
    <>
      <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0 text-bad-text" />
      <span className="min-w-0 text-work break-words">
        {title && (
          <span className="font-medium text-ink">
            <span className="sr-only">Go to </span>
            {title}
            <span className="sr-only">:</span>{" "}
          </span>
        )}
        {problem.field && <span className="font-mono text-caption text-muted">{problem.field} </span>}
        <span className="text-ink">{say(problem)}</span>
      </span>
    </>
  );
}
