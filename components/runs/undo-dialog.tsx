"use client";
import { useMutation } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { readFailure } from "../server/failure.ts";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";
import { undoEffect } from "./run-words.ts";
import { UndoPreview, useUndoPreview } from "./undo-preview.tsx";

/**
 * Undoes a run, or some of its records: first a preview that compares with what is there now, then the question with
 * its effect named.
 * @param keys only these records; absent: all the run changed
 */
export function UndoDialog({ run, keys, onClose }: { run: RunDetail; keys?: string[]; onClose: () => void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const preview = useUndoPreview();
  const { show, found } = preview;
  const ask = useMutation(trpc.runs.undo.mutationOptions({ onSuccess: ({ id }) => show(id) }));
  const undo = useMutation(trpc.runs.undo.mutationOptions({ onSuccess: ({ id }) => router.push(`/runs/${id}`) }));
  const look = ask.mutate;
  useEffect(() => {
    look({ runId: run.id, preview: true, records: keys, onConflict: "skip" });
  }, [look, run.id, keys]);
  const restorable = found?.undoCounts.restored ?? 0;
  return (
    <Dialog
      open
      onClose={onClose}
      width="wide"
      title={keys ? `Undo ${count(keys.length, "record")} of run ${run.id}` : `Undo run ${run.id}`}
      description={
        found
          ? undoEffect(found.undoCounts)
          : "Comparing what the run wrote with what is there now. Nothing is changed yet."
      }
      footer={
        <>
          {preview.id && (
            <ButtonLink look="quiet" large href={`/runs/${preview.id}`} className="mr-auto">
              See every change
            </ButtonLink>
          )}
          <Button large onClick={onClose}>
            Leave it
          </Button>
          <Button
            look="primary"
            disabled={restorable === 0}
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
      <UndoPreview
        preview={preview}
        failure={ask.error ? readFailure(ask.error).message : null}
        onRetry={() => {
          show(null);
          look({ runId: run.id, preview: true, records: keys, onConflict: "skip" });
        }}
      />
    </Dialog>
  );
}
