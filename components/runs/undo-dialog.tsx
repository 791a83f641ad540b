"use client";
import { useMutation } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";
import { written } from "./run-words.ts";
import { UndoAsk } from "./undo-ask.tsx";
import { useUndoPreview } from "./undo-preview.tsx";

/**
 * Undoes a run, or some of its records: first a preview that compares with what is there now, then the question with
 * its effect named.
 * @param keys only these records; absent: all the run changed
 */
export function UndoDialog({ run, keys, onClose }: { run: RunDetail; keys?: string[]; onClose: () => void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const preview = useUndoPreview();
  const { show } = preview;
  const ask = useMutation(trpc.runs.undo.mutationOptions({ onSuccess: ({ id }) => show(id) }));
  const undo = useMutation(trpc.runs.undo.mutationOptions({ onSuccess: ({ id }) => router.push(`/runs/${id}`) }));
  const look = ask.mutate;
  useEffect(() => {
    look({ runId: run.id, preview: true, records: keys, onConflict: "skip" });
  }, [look, run.id, keys]);
  const { possible, done, conflict, notPossible } = run.undo;
  const forgotten = keys || run.kind === "undo" ? 0 : written(run.counts) - (possible + done + conflict + notPossible);
  return (
    <UndoAsk
      title={keys ? `Undo ${count(keys.length, "record")} of run ${run.id}` : `Undo run ${run.id}`}
      before="Comparing what the run wrote with what is there now. Nothing is changed yet."
      preview={preview}
      asked={{ isIdle: false, error: ask.error }}
      undo={undo}
      onLook={() => {
        show(null);
        look({ runId: run.id, preview: true, records: keys, onConflict: "skip" });
      }}
      onUndo={() => undo.mutate({ runId: run.id, preview: false, records: keys, onConflict: "skip" })}
      onClose={onClose}
    >
      {forgotten > 0 && (
        <div className="mb-3">
          <Notice tone="warn" icon={TriangleAlert}>
            {count(forgotten, "record")} this run wrote {forgotten === 1 ? "is" : "are"} kept in the ledger no longer,
            and
            {forgotten === 1 ? " stays" : " stay"} as {forgotten === 1 ? "it is" : "they are"}.
          </Notice>
        </div>
      )}
    </UndoAsk>
  );
}
