"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { whoInWords } from "../../engine/steps/approve/who.ts";
import { sayFailure } from "../server/act.ts";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { RecordView } from "../ui/code.tsx";
import { Input } from "../ui/input.tsx";
import { Card } from "../ui/page.tsx";
import { toast } from "../ui/toast.tsx";
import { RelativeTime } from "../ui/values.tsx";

type Approval = Outputs["approvals"]["list"]["items"][number];

/** One record with the question about it, and Yes and No for those who may answer. */
export function ApprovalCard({ approval }: { approval: Approval }) {
  const { question, key, flow, flowName, stepTitle, run, at, until, otherwise } = approval;
  return (
    <Card className="p-4">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <h2 className="text-body font-semibold text-ink">{question ?? stepTitle}</h2>
        <Link
          href={`/records?key=${encodeURIComponent(key)}`}
          className="font-mono text-caption text-accent-text hover:underline"
        >
          {key}
        </Link>
      </div>
      <p className="mt-0.5 mb-3 text-work text-muted">
        <Link href={`/flows/${flow}`} className="hover:underline">
          {flowName}
        </Link>{" "}
        · {stepTitle} ·{" "}
        <Link href={`/runs/${run}`} className="hover:underline">
          run {run}
        </Link>{" "}
        · <RelativeTime at={at} />
        {until && otherwise && approval.decision === null && (
          <>
            {" "}
            · without an answer: {otherwise}, <RelativeTime ahead at={until} />
          </>
        )}
      </p>
      <RecordView record={approval.record} dense />
      {approval.decision === null ? <AnswerForm approval={approval} /> : <Decision approval={approval} />}
    </Card>
  );
}

function AnswerForm({ approval: { id, key, mine, who } }: { approval: Approval }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [note, setNote] = useState("");
  const answer = useMutation(
    trpc.approvals.answer.mutationOptions({
      ...sayFailure(`The answer for ${key} could not be given`),
      onSuccess: (_answered, { decision }) => toast({ kind: "done", title: `${key}: ${decision}` }),
      onSettled: () => queries.invalidateQueries(trpc.approvals.pathFilter()),
    }),
  );
  if (!mine)
    return (
      <p className="mt-3 text-work text-muted">
        {who ? `Waits for ${whoInWords(who)} or an admin.` : "Waits for somebody who may retry records."}
      </p>
    );
  const give = (decision: "yes" | "no") =>
    answer.mutate({ ids: [id], decision, ...(note.trim() === "" ? {} : { note }) });
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      <Input
        aria-label={`Note for ${key}`}
        placeholder="Note (optional)"
        value={note}
        onChange={setNote}
        maxLength={2_000}
        className="max-w-sm flex-1"
      />
      <Button icon={Check} aria-label={`Yes to ${key}`} disabled={answer.isPending} onClick={() => give("yes")}>
        Yes
      </Button>
      <Button icon={X} aria-label={`No to ${key}`} disabled={answer.isPending} onClick={() => give("no")}>
        No
      </Button>
    </div>
  );
}

function Decision({ approval: { decision, decidedBy, decidedAt, note } }: { approval: Approval }) {
  return (
    <p className="mt-3 flex flex-wrap gap-x-1.5 text-work text-ink">
      <span className="font-medium">{decision === "yes" ? "Yes" : "No"}</span>
      {decidedBy && <span className="text-muted">by {decidedBy}</span>}
      {decidedAt && <RelativeTime at={decidedAt} className="text-muted" />}
      {note && <span>“{note}”</span>}
    </p>
  );
}
