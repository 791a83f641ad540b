"use client";
import { useMutation } from "@tanstack/react-query";
import { Inbox, Play, TriangleAlert } from "lucide-react";
import { useState } from "react";
import type { FlowChange } from "../../engine/flow/diff.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import type { Problem } from "../../engine/steps/define-step.ts";
import { sayLeftRecorders } from "../connections/left-recorders.ts";
import { HookAddress } from "../deliveries/hook-address.tsx";
import { readFailure } from "../server/failure.ts";
import { useTRPCClient } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Textarea } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { useEditor } from "./editor-context.tsx";
import { ProblemList } from "./problem-list.tsx";
import { startsWithEvents } from "./starts-with-events.ts";

/** When a published flow runs, as its trigger says; what the brief says about it is only a plan. */
function whenItRuns(flow: Flow): string {
  const { steps } = flow;
  if (startsWithEvents(flow)) return "From then on it runs whenever something arrives.";
  if (steps.some((step) => step.kind === "read" && step.sync === "changes"))
    return "From then on it runs as soon as a record changes.";
  if (steps.some((step) => step.kind === "read" && (step.every !== undefined || step.cron !== undefined)))
    return "From then on it runs on the schedule of its read step.";
  return "It has no schedule: it runs when somebody presses “Run now”. For a schedule, choose its read step and set “When”.";
}

/** Freezes the draft as the next version: what changed, a note, and what prevents it. */
export function PublishDialog({
  onClose,
  live,
  changes,
  flush,
  revision,
  onPublished,
  onJump,
  onRun,
}: {
  onClose: () => void;
  live: number | null;
  changes: FlowChange[];
  flush: () => Promise<boolean>;
  revision: () => number;
  onPublished: (revision: number) => void;
  onJump: (problem: Problem) => void;
  onRun: () => void;
}) {
  const { flowId, flow, problems } = useEditor();
  const client = useTRPCClient();
  const [note, setNote] = useState("");
  const [asked, setAsked] = useState(false);
  const publish = useMutation({
    mutationFn: async () => {
      if (!(await flush())) throw new Error("The draft is not saved yet. Save it, then publish.");
      return client.flows.publish.mutate({ flowId, revision: revision(), note: note.trim() });
    },
    onSuccess: ({ revision, recorders }) => {
      sayLeftRecorders(recorders);
      onPublished(revision);
    },
  });
  const blocked = problems.length > 0;
  if (publish.data)
    return (
      <Dialog
        open
        onClose={onClose}
        width="narrow"
        title={`Version ${publish.data.version} of “${flow.name}” is live`}
        description={whenItRuns(flow)}
        footer={
          <>
            <Button large onClick={onClose}>
              Close
            </Button>
            {startsWithEvents(flow) ? (
              <ButtonLink look="primary" icon={Inbox} href={`/flows/${flowId}/deliveries`}>
                Deliveries
              </ButtonLink>
            ) : (
              <Button
                look="primary"
                icon={Play}
                onClick={() => {
                  onClose();
                  onRun();
                }}
              >
                Run now
              </Button>
            )}
          </>
        }
      >
        {publish.data.hook && <HookAddress path={publish.data.hook} />}
        <p className="text-work text-muted">{note}</p>
      </Dialog>
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        blocked
          ? `${count(problems.length, "problem")} to mend before it can be published`
          : `Publish version ${(live ?? 0) + 1}`
      }
      description={
        blocked
          ? "Press one to go there."
          : live === null
            ? whenItRuns(flow)
            : `It takes the place of version ${live}. Runs under way finish with theirs.`
      }
      footer={
        blocked ? (
          <Button large onClick={onClose}>
            Close
          </Button>
        ) : (
          <>
            <Button large onClick={onClose}>
              Not now
            </Button>
            <Button
              look="primary"
              busy={publish.isPending}
              onClick={() => {
                setAsked(true);
                if (note.trim() !== "") publish.mutate();
              }}
            >
              Publish
            </Button>
          </>
        )
      }
    >
      {blocked ? (
        <div className="-m-4">
          <ProblemList problems={problems} onJump={onJump} />
        </div>
      ) : (
        <div className="space-y-4">
          {publish.isError && (
            <Notice tone="bad" icon={TriangleAlert}>
              {readFailure(publish.error).message}
            </Notice>
          )}
          <Field
            label="Note"
            hint="For whoever looks at the versions later."
            required
            error={asked && note.trim() === "" && "Say in a few words what changed."}
          >
            <Textarea value={note} onChange={setNote} rows={2} maxLength={2000} placeholder="What changed, and why" />
          </Field>
          {live !== null && (
            <div>
              <h3 className="mb-1 text-work font-medium text-ink">
                {changes.length === 0
                  ? "Nothing changed since the live version"
                  : `${count(changes.length, "change")} since version ${live}`}
              </h3>
              <ul className="list-disc space-y-0.5 pl-5 text-work text-muted">
                {changes.map(({ what }) => (
                  <li key={what}>{what}</li>
                ))}
              </ul>
            </div>
          )}
        </div>
      )}
    </Dialog>
  );
}
