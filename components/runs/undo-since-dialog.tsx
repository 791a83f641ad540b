"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { FlowSummary } from "../../server/trpc/contract/flows.ts";
import type { RunSummary } from "../../server/trpc/contract/runs.ts";
import { sayFailure } from "../server/act.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { nounOf, runShort } from "./run-words.ts";
import { UndoAsk } from "./undo-ask.tsx";
import { useUndoPreview } from "./undo-preview.tsx";

/** Runs that are looked at to say which of them a moment takes in. */
const LOOKED_AT = 100;

/**
 * Undoes everything a flow did since a moment: the moment is chosen, a preview compares with what is there now, then comes
 * the question with its effect named. Proposed is the moment at which the newest run began.
 */
export function UndoSinceDialog({
  flow,
  onClose,
}: {
  flow: Pick<FlowSummary, "id" | "name" | "paused">;
  onClose: () => void;
}) {
  const trpc = useTRPC();
  const router = useRouter();
  const preview = useUndoPreview();
  const { show, found } = preview;
  const runs = useQuery(trpc.runs.list.queryOptions({ flowId: flow.id, limit: LOOKED_AT }));
  const live = (runs.data?.items ?? []).filter((run) => run.mode === "live" && run.startedAt !== null);
  const [typed, setTyped] = useState<string | null>(null);
  const newest = live.find(({ kind }) => kind !== "undo")?.startedAt;
  const local = typed ?? (newest ? asLocal(newest) : "");
  const since = asMoment(local);
  const ask = useMutation(trpc.runs.undoSince.mutationOptions({ onSuccess: ({ id }) => show(id) }));
  const undo = useMutation(trpc.runs.undoSince.mutationOptions({ onSuccess: ({ id }) => router.push(`/runs/${id}`) }));
  const look = () => {
    if (since === null) return;
    show(null);
    ask.mutate({ flowId: flow.id, since, preview: true, onConflict: "skip" });
  };
  return (
    <UndoAsk
      title={`Undo everything “${flow.name}” did since…`}
      before="Each record goes back to what it was at that moment. First you see what that would be; nothing is changed yet."
      noun={nounOf(found?.document, "written")}
      preview={preview}
      asked={ask}
      undo={undo}
      ready={since !== null}
      onLook={look}
      onUndo={() => since && undo.mutate({ flowId: flow.id, since, preview: false, onConflict: "skip" })}
      onClose={onClose}
    >
      <form
        className="mb-4 space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          look();
        }}
      >
        <Field
          label="All runs that began since"
          hint={since === null ? "Choose a day and a time." : whichRuns(live, since, runs.data?.next !== null)}
        >
          <div className="flex flex-wrap gap-2">
            <Input
              type="datetime-local"
              step={1}
              required
              value={local}
              className="sm:w-60"
              onChange={(value) => {
                setTyped(value);
                ask.reset();
                show(null);
              }}
            />
            <Button type="submit" disabled={since === null} busy={ask.isPending}>
              See what goes back
            </Button>
          </div>
        </Field>
        {!flow.paused && <GoesOn flow={flow} />}
      </form>
    </UndoAsk>
  );
}

function GoesOn({ flow }: { flow: Pick<FlowSummary, "id" | "name"> }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const pause = useMutation(
    trpc.flows.pause.mutationOptions({
      ...sayFailure(`“${flow.name}” could not be stopped`),
      onSettled: () => queries.invalidateQueries(trpc.flows.pathFilter()),
    }),
  );
  return (
    <Notice
      tone="warn"
      icon={TriangleAlert}
      action={
        <Button busy={pause.isPending || pause.isSuccess} onClick={() => pause.mutate({ flowId: flow.id })}>
          Stop the flow
        </Button>
      }
    >
      The flow may run again and write these records anew. Stop it first; what is at work has to end before.
    </Notice>
  );
}

/** “2 runs: Run 118, Replay 117. What began before stays, also where it wrote later.” */
function whichRuns(live: RunSummary[], since: string, more: boolean): string {
  const taken = live.filter(({ startedAt }) => startedAt !== null && startedAt >= since);
  if (taken.length === 0) return "No run began since then.";
  const all =
    more && taken.length === live.length ? `${count(taken.length, "run")} or more` : count(taken.length, "run");
  const names = taken.slice(0, 6).map(runShort).join(", ");
  return `${all}: ${names}${taken.length > 6 ? " and others" : ""}. What began before stays, also where it wrote later.`;
}

/** As a field for day and time takes it, in the person's zone, to the second. */
function asLocal(iso: string): string {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function asMoment(local: string): string | null {
  const at = new Date(local);
  return local === "" || Number.isNaN(at.getTime()) ? null : at.toISOString();
}
