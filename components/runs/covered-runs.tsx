"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { RunSummary } from "../../server/trpc/contract/runs.ts";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { count, formatNumber } from "../ui/format.ts";
import { RelativeTime } from "../ui/values.tsx";
import { coveredWords, runTitle, written } from "./run-words.ts";

/** Which runs an undo of all runs since a moment puts back, newest first, and what that means for undos among them. */
export function CoveredRuns({ undoId }: { undoId: string }) {
  const trpc = useTRPC();
  const covered = useInfiniteQuery(
    trpc.runs.covered.infiniteQueryOptions(
      { runId: undoId, limit: 20 },
      { getNextPageParam: (page) => page.next ?? undefined },
    ),
  );
  return (
    <Loaded query={covered} what="The runs it covers could not be loaded">
      {({ pages }) => {
        const runs = pages.flatMap((page) => page.items);
        if (runs.length === 0) return null;
        const known = new Set(runs.map(({ id }) => id));
        return (
          <section aria-label="Runs it covers" className="text-work">
            <p className="text-muted">
              It covers {covered.hasNextPage ? `${formatNumber(runs.length)} runs and more` : count(runs.length, "run")}
              . What each of them wrote goes back; each record ends as it was at that moment.
            </p>
            <ul className="mt-1.5 divide-y divide-line rounded-control border border-line">
              {runs.map((run) => (
                <Covered key={run.id} run={run} known={known} />
              ))}
            </ul>
            {covered.hasNextPage && (
              <Button className="mt-2" onClick={() => covered.fetchNextPage()} busy={covered.isFetchingNextPage}>
                Show 20 more
              </Button>
            )}
          </section>
        );
      }}
    </Loaded>
  );
}

function Covered({ run, known }: { run: RunSummary; known: ReadonlySet<string> }) {
  const undo = run.kind === "undo";
  const done = undo ? run.undoCounts.restored : written(run.counts);
  const words = coveredWords(run, known);
  return (
    <li className="px-3 py-1.5">
      <span className="flex flex-wrap items-baseline gap-x-2">
        <Link href={`/runs/${run.id}`} className="rounded-mark font-medium text-ink hover:underline">
          {runTitle(run)}
        </Link>
        <RelativeTime at={run.startedAt ?? run.createdAt} className="text-muted" />
        <span className="ml-auto text-muted">
          {formatNumber(done)} {undo ? "put back" : "written"}
        </span>
      </span>
      {words && <span className="block text-caption text-muted">{words}</span>}
    </li>
  );
}
