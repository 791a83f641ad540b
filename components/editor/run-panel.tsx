"use client";
import { ArrowRight, Play } from "lucide-react";
import { RunState } from "../runs/run-state.tsx";
import { balanceSegments, nounOf, runSentence, runTitle } from "../runs/run-words.ts";
import type { useLiveRun } from "../runs/use-live-run.ts";
import { Loaded } from "../server/loaded.tsx";
import { ButtonLink } from "../ui/button.tsx";
import { StackedBar } from "../ui/stacked-bar.tsx";
import { EmptyState } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";

/** The run whose counts are on the canvas: a sentence, its balance, the way to its page. */
export function RunPanel({ run, runId }: { run: ReturnType<typeof useLiveRun>; runId: string | null }) {
  if (runId === null)
    return (
      <EmptyState compact icon={Play} title="It has not run yet">
        “Try it” reads real records and shows what would change. It writes nothing.
      </EmptyState>
    );
  return (
    <Loaded query={run} what={`Run ${runId} could not be loaded`}>
      {(data) => (
        <div className="space-y-3 p-3">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
            <span className="text-body font-medium text-ink">{runTitle(data)}</span>
            <RunState run={data} />
            <span className="text-work text-muted">
              <RelativeTime at={data.startedAt ?? data.createdAt} />
            </span>
            <ButtonLink icon={ArrowRight} href={`/runs/${data.id}`} className="ml-auto">
              {data.mode === "dry" && data.counts.read > 0 ? "See what would change" : "Open the run"}
            </ButtonLink>
          </div>
          <p aria-live="polite" className="text-body text-ink">
            {runSentence(data, nounOf(data.document))}
          </p>
          {data.error && <p className="text-work text-bad-text">{data.error.message}</p>}
          <StackedBar total={data.counts.read} noun="read" segments={balanceSegments(data)} />
        </div>
      )}
    </Loaded>
  );
}
