"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, EyeOff, LoaderCircle } from "lucide-react";
import { useState } from "react";
import { isFinal } from "../../engine/run/states.ts";
import { readFailure } from "../server/failure.ts";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { count } from "../ui/format.ts";
import { StackedBar } from "../ui/stacked-bar.tsx";
import { ErrorState, Notice, Skeleton } from "../ui/states.tsx";
import { CoveredRuns } from "./covered-runs.tsx";
import { RefusalList } from "./refusal-list.tsx";
import { balanceSegments } from "./run-words.ts";
import { useLiveRun } from "./use-live-run.ts";

export type UndoPreviewRun = ReturnType<typeof useUndoPreview>;

/** A preview of an undo while it runs and when it has ended. `show` says which run it is; null: none yet. */
export function useUndoPreview() {
  const [id, show] = useState<string | null>(null);
  const seen = useLiveRun(id);
  const ended = id !== null && seen.data && isFinal(seen.data.state) ? seen.data : null;
  const broken = ended?.state === "failed" ? (ended.error?.message ?? "The preview ended without a result.") : null;
  const failure = broken ?? (seen.error ? readFailure(seen.error).message : null);
  return { id, show, found: broken ? null : ended, running: seen.data, failure };
}

/**
 * What an undo would do: how far the comparison is, then what goes back and what stays.
 * @param failure why it could not even be asked for
 */
export function UndoPreview({
  preview,
  failure,
  onRetry,
}: {
  preview: UndoPreviewRun;
  failure: string | null;
  onRetry: () => void;
}) {
  const why = failure ?? preview.failure;
  if (why !== null) return <ErrorState title="The undo could not be previewed" why={why} onRetry={onRetry} />;
  if (preview.found) return <Found preview={preview.found} />;
  const compared = preview.running?.undoCounts.read ?? 0;
  return (
    <div className="space-y-3">
      <p role="status" className="flex items-center gap-2 text-work text-muted">
        <LoaderCircle aria-hidden className="size-4 animate-spin text-run" />
        {compared > 0 ? `${count(compared, "record")} compared.` : "Waiting for a worker."}
      </p>
      <Skeleton className="h-3 w-full" />
      <Skeleton className="h-24 w-full" />
    </div>
  );
}

function Found({ preview }: { preview: RunDetail }) {
  const trpc = useTRPC();
  const changes = useQuery(trpc.runs.changes.queryOptions({ runId: preview.id, refused: false, limit: 100 }));
  const blind = changes.data?.items.find(({ refusal }) => refusal)?.refusal;
  const { conflict, failed, read } = preview.undoCounts;
  return (
    <div className="space-y-4">
      <StackedBar total={read} noun={read === 1 ? "change" : "changes"} segments={balanceSegments(preview)} />
      {blind && (
        <Notice tone="warn" icon={EyeOff}>
          {blind.message}
        </Notice>
      )}
      {conflict + failed === 0 ? (
        !blind && (
          <Notice tone="ok" icon={CircleCheck}>
            Nobody changed these records since.{" "}
            {changes.data?.items[0] && "Open every change to see what goes back field by field."}
          </Notice>
        )
      ) : (
        <>
          <p className="text-work text-muted">
            These stay as they are: where somebody changed one field, the whole record is left, so that none ends up
            half old and half new. After the undo you can decide on each of them and put it back all the same.
          </p>
          <RefusalList undo={preview} />
        </>
      )}
      {preview.since !== null && <CoveredRuns undoId={preview.id} />}
    </div>
  );
}
