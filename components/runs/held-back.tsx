"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleSlash, Hourglass, UserCheck } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { useMay } from "../server/me.tsx";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";

/** What of an ended run still waits, for what, and where somebody can let it go on. */
export function HeldBack({
  run: { id, flowId, holding, flowRemoved },
}: {
  run: Pick<RunDetail, "id" | "flowId" | "holding" | "flowRemoved">;
}) {
  const { parked, approvals, waits, nextAt, cancelled } = holding;
  const mayOperate = useMay("operator");
  const records = (value: number) => `${count(value, "record")} ${value === 1 ? "waits" : "wait"}`;
  const endHere = (value: number) => `${count(value, "record")} ${value === 1 ? "goes" : "go"} no further`;
  return (
    <>
      {parked > 0 && flowRemoved && (
        <Notice tone="warn" icon={CircleSlash}>
          {endHere(parked)}: the flow was removed while {parked === 1 ? "it" : "they"} waited behind an earlier one of
          the same key.
        </Notice>
      )}
      {parked > 0 && !flowRemoved && (
        <Notice
          tone="warn"
          icon={Hourglass}
          action={
            <ButtonLink href={`/failed?flow=${encodeURIComponent(flowId)}`}>Failed records of this flow</ButtonLink>
          }
        >
          {records(parked)} behind an earlier one of the same key, so that their order is kept. They go on by themselves
          when that one is replayed, dismissed or let through.
        </Notice>
      )}
      {approvals > 0 && (
        <Notice tone="warn" icon={UserCheck} action={<ButtonLink href="/approvals">Open the approvals</ButtonLink>}>
          {records(approvals)} until somebody says yes or no.
        </Notice>
      )}
      {waits > 0 && (
        <Notice tone="run" icon={Hourglass} action={mayOperate ? <CancelWaits runId={id} waits={waits} /> : undefined}>
          {records(waits)} as the flow asks; {waits === 1 ? "it goes on" : "the first goes on"}{" "}
          {nextAt === null ? "by itself" : <RelativeTime ahead at={nextAt} />}, in a run of its own. When one does, it
          is in the <Link href={`/runs?flow=${encodeURIComponent(flowId)}`}>runs of this flow</Link>.
        </Notice>
      )}
      {cancelled > 0 && (
        <Notice tone="warn" icon={CircleSlash}>
          {endHere(cancelled)}: {cancelled === 1 ? "its" : "their"} wait was cancelled.
        </Notice>
      )}
    </>
  );
}

function CancelWaits({ runId, waits }: { runId: string; waits: number }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation(
    trpc.runs.cancel.mutationOptions({
      ...sayFailure("The wait could not be cancelled"),
      onSettled: () => {
        setAsking(false);
        return queries.invalidateQueries(trpc.runs.pathFilter());
      },
    }),
  );
  return (
    <>
      <Button onClick={() => setAsking(true)}>{waits === 1 ? "Do not let it go on" : "Do not let them go on"}</Button>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        danger
        busy={cancel.isPending}
        title={`Cancel the wait of ${count(waits, "record")}`}
        action={`Cancel ${count(waits, "waiting record")}`}
        onConfirm={() => cancel.mutate({ runId })}
      >
        {waits === 1 ? "It goes" : "They go"} through none of the steps behind the wait, and nothing more is written of
        {waits === 1 ? " it" : " them"}. What was written before stays and can be undone. This cannot be taken back.
      </ConfirmDialog>
    </>
  );
}
