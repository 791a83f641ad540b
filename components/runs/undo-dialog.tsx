"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleCheck, LoaderCircle, TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { isFinal } from "../../engine/run/states.ts";
import { readFailure } from "../server/failure.ts";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { StackedBar } from "../ui/stacked-bar.tsx";
import { ErrorState, Notice, Skeleton } from "../ui/states.tsx";
import { RefusalList } from "./refusal-list.tsx";
import { balanceSegments } from "./run-words.ts";
import { useLiveRun } from "./use-live-run.ts";

/**
 * Undoes a run, or some of its records: first a preview that compares with what is there now, then the question with
 * its effect named.
 * @param keys only these records; absent: all the run changed
 */
export function UndoDialog({ run, keys, onClose }: { run: RunDetail; keys?: string[]; onClose: () => void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const [previewId, setPreviewId] = useState<string | null>(null);
  const preview = useMutation(trpc.runs.undo.mutationOptions({ onSuccess: ({ id }) => setPreviewId(id) }));
  const undo = useMutation(trpc.runs.undo.mutationOptions({ onSuccess: ({ id }) => router.push(`/runs/${id}`) }));
  const seen = useLiveRun(previewId);
  const look = preview.mutate;
  useEffect(() => {
    look({ runId: run.id, preview: true, records: keys, onConflict: "skip" });
  }, [look, run.id, keys]);

  const found = seen.data && isFinal(seen.data.state) ? seen.data : null;
  const restorable = found?.undoCounts.restored ?? 0;
  const failure = preview.error ?? seen.error;
  const broken = found?.state === "failed" ? (found.error?.message ?? "The preview ended without a result.") : null;
  return (
    <Dialog
      open
      onClose={onClose}
      width="wide"
      title={keys ? `Undo ${count(keys.length, "record")} of run ${run.id}` : `Undo run ${run.id}`}
      description={
        found && !broken
          ? effect(found)
          : "Comparing what the run wrote with what is there now. Nothing is changed yet."
      }
      footer={
        <>
          {previewId && (
            <ButtonLink look="quiet" large href={`/runs/${previewId}`} className="mr-auto">
              See every change
            </ButtonLink>
          )}
          <Button large onClick={onClose}>
            Leave it
          </Button>
          <Button
            look="primary"
            disabled={!found || Boolean(broken) || restorable === 0}
            busy={undo.isPending || undo.isSuccess}
            onClick={() => undo.mutate({ runId: run.id, preview: false, records: keys, onConflict: "skip" })}
          >
            {found ? `Put back ${count(restorable, "record")}` : "Put back"}
          </Button>
        </>
      }
    >
      {undo.isError && (
        <div className="mb-3">
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(undo.error).message}
          </Notice>
        </div>
      )}
      {failure || broken ? (
        <ErrorState
          title="The undo could not be previewed"
          why={broken ?? readFailure(failure).message}
          onRetry={() => {
            setPreviewId(null);
            look({ runId: run.id, preview: true, records: keys, onConflict: "skip" });
          }}
        />
      ) : found ? (
        <Preview preview={found} />
      ) : (
        <div className="space-y-3">
          <p role="status" className="flex items-center gap-2 text-work text-muted">
            <LoaderCircle aria-hidden className="size-4 animate-spin text-run" />
            {seen.data && seen.data.undoCounts.read > 0
              ? `${count(seen.data.undoCounts.read, "record")} compared.`
              : "Waiting for a worker."}
          </p>
          <Skeleton className="h-3 w-full" />
          <Skeleton className="h-24 w-full" />
        </div>
      )}
    </Dialog>
  );
}

/** The question's first sentence: what goes back, what stays. */
function effect({ undoCounts: { restored, conflict, failed } }: RunDetail): string {
  const stays =
    conflict > 0 ? ` ${count(conflict, "record")} changed since and ${conflict === 1 ? "stays" : "stay"}.` : "";
  const fails = failed > 0 ? ` ${count(failed, "record")} cannot be put back.` : "";
  if (restored === 0) return `Nothing can go back.${stays}${fails}`;
  return `${count(restored, "record")} ${restored === 1 ? "goes back to what it was" : "go back to what they were"}.${stays}${fails}`;
}

function Preview({ preview }: { preview: RunDetail }) {
  const trpc = useTRPC();
  const changes = useQuery(trpc.runs.changes.queryOptions({ runId: preview.id, limit: 1 }));
  const { conflict, failed, read } = preview.undoCounts;
  return (
    <div className="space-y-4">
      <StackedBar total={read} noun={read === 1 ? "change" : "changes"} segments={balanceSegments(preview)} />
      {conflict + failed === 0 ? (
        <Notice tone="ok" icon={CircleCheck}>
          Nobody changed these records since.{" "}
          {changes.data?.items[0] && "Open every change to see what goes back field by field."}
        </Notice>
      ) : (
        <>
          <p className="text-work text-muted">
            These stay as they are. After the undo you can decide on each of them and put it back all the same.
          </p>
          <RefusalList undo={preview} />
        </>
      )}
    </div>
  );
}
