"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Input } from "../ui/input.tsx";
import { toast } from "../ui/toast.tsx";

type Approval = Outputs["approvals"]["list"]["items"][number];

/** One answer for many records of the same step, with what it means before it is given. */
export function AnswerAll({ approvals }: { approvals: Approval[] }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<"yes" | "no" | null>(null);
  const [note, setNote] = useState("");
  const many = count(approvals.length, "record");
  const answer = useMutation(
    trpc.approvals.answer.mutationOptions({
      ...sayFailure("The answer could not be given"),
      onSuccess: ({ answered }, { decision }) =>
        toast({ kind: "done", title: `${count(answered, "record")}: ${decision}` }),
      onSettled: () => {
        setAsked(null);
        setNote("");
        return queries.invalidateQueries(trpc.approvals.pathFilter());
      },
    }),
  );
  const what = approvals[0]?.question ?? approvals[0]?.stepTitle;
  return (
    <div className="flex flex-wrap gap-2">
      <Button icon={Check} onClick={() => setAsked("yes")}>
        Yes to {many}…
      </Button>
      <Button icon={X} onClick={() => setAsked("no")}>
        No to {many}…
      </Button>
      <ConfirmDialog
        open={asked !== null}
        onClose={() => setAsked(null)}
        busy={answer.isPending}
        title={`“${what}”: ${asked} to ${many} of “${approvals[0]?.flowName}”`}
        action={`${asked === "yes" ? "Yes" : "No"} to ${many}`}
        onConfirm={() =>
          asked &&
          answer.mutate({
            ids: approvals.map(({ id }) => id),
            decision: asked,
            ...(note.trim() === "" ? {} : { note: note.trim() }),
          })
        }
      >
        <p className="mb-3">They go on at once by what stands behind “{asked}” in the flow. An answer counts once.</p>
        <Field label="Note" optional>
          <Input value={note} onChange={setNote} maxLength={2_000} />
        </Field>
      </ConfirmDialog>
    </div>
  );
}
