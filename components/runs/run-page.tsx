"use client";
import { useMutation } from "@tanstack/react-query";
import { GitCommitVertical, Square, Undo2 } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { isFinal } from "../../engine/run/states.ts";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { useUrlValue } from "../ui/filters.tsx";
import { Card, Page, PageHeader, Section } from "../ui/page.tsx";
import { Skeleton, SkeletonRows } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { ChangesTable } from "./changes-table.tsx";
import { CoveredRuns } from "./covered-runs.tsx";
import { FailedGroups } from "./failed-groups.tsx";
import { RefusalList } from "./refusal-list.tsx";
import { RetryFailed } from "./retry-failed.tsx";
import { RunBalance } from "./run-balance.tsx";
import { RunCanvas } from "./run-canvas.tsx";
import { RunLog } from "./run-log-list.tsx";
import { RunState } from "./run-state.tsx";
import { RunSteps } from "./run-steps.tsx";
import { nounOf, rangeWords, runSentence, runTitle, triggerWords, written } from "./run-words.ts";
import { RunsTable } from "./runs-table.tsx";
import { UndoDialog } from "./undo-dialog.tsx";
import { useLiveRun } from "./use-live-run.ts";

/** One run: a sentence, the balance, what failed, the canvas with counts, the changes, then steps and log. */
export function RunPage({ runId }: { runId: string }) {
  const run = useLiveRun(runId);
  return (
    <Page>
      <Loaded
        query={run}
        what={`Run ${runId} could not be loaded`}
        missing={{ title: `There is no run ${runId}`, href: "/runs", go: "All runs" }}
        skeleton={<Waiting />}
      >
        {(data) => <TheRun run={data} />}
      </Loaded>
    </Page>
  );
}

function TheRun({ run }: { run: RunDetail }) {
  const [undoing, setUndoing] = useState<{ keys?: string[] } | null>(null);
  const [tab, setTab] = useUrlValue("part");
  const mayOperate = useMay("operator");
  const noun = nounOf(run.document, run.kind === "undo" ? "written" : "read");
  const final = isFinal(run.state);
  const failed = run.letterGroups.reduce((sum, group) => sum + group.count, 0);
  const undoable = mayOperate && final && run.mode === "live" && run.undo.possible + run.undo.conflict > 0;
  const undo = run.kind === "undo";
  const refused = run.undoCounts.conflict + run.undoCounts.failed;
  const tabs = [
    {
      value: "changes",
      label: run.mode === "dry" ? "What would change" : "Changes",
      count: undo ? run.undoCounts.restored : written(run.counts),
      content: <ChangesTable run={run} onUndo={undoable ? (keys) => setUndoing({ keys }) : undefined} />,
    },
    ...(undo ? [] : [{ value: "steps", label: "Steps", count: run.steps.length, content: <RunSteps run={run} /> }]),
    { value: "log", label: "Log", content: <RunLog run={run} /> },
    ...(run.related.length > 0
      ? [
          {
            value: "related",
            label: "Related runs",
            count: run.related.length,
            content: <RunsTable runs={run.related} keys={false} label="Related runs" />,
          },
        ]
      : []),
  ];
  return (
    <>
      <PageHeader
        crumbs={[
          { label: "Runs", href: "/runs" },
          run.flowRemoved ? { label: run.flowName } : { label: run.flowName, href: `/flows/${run.flowId}` },
        ]}
        title={
          <span className="inline-flex flex-wrap items-center gap-x-2.5 gap-y-1">
            {runTitle(run)}
            <RunState run={run} />
          </span>
        }
        sentence={
          <>
            <p aria-live="polite" className="text-heading text-ink">
              {runSentence(run, noun)}
            </p>
            <p className="text-work">
              {run.flowRemoved ? (
                `${run.flowName}, a flow that was removed`
              ) : (
                <Link href={`/flows/${run.flowId}`} className="rounded-mark hover:underline">
                  {run.flowName}
                </Link>
              )}
              {run.version === null ? ", draft" : `, version ${run.version}`} · {triggerWords(run)}
              {run.range && `, ${rangeWords(run.range)}`} · <RelativeTime at={run.startedAt ?? run.createdAt} />
            </p>
          </>
        }
        actions={
          <>
            {!final && mayOperate && <CancelRun run={run} />}
            {!undo && !run.flowRemoved && (
              <ButtonLink
                icon={GitCommitVertical}
                href={run.version === null ? `/flows/${run.flowId}` : `/flows/${run.flowId}?version=${run.version}`}
              >
                {run.version === null ? "Open the draft" : "Open flow at this version"}
              </ButtonLink>
            )}
            {undoable && (
              <Button icon={Undo2} onClick={() => setUndoing({})}>
                Undo…
              </Button>
            )}
            {failed > 0 && final && mayOperate && run.mode === "live" && !undo && <RetryFailed run={run} />}
          </>
        }
      />
      <div className="flex flex-col gap-6">
        <RunBalance run={run} noun={noun} />
        {undo && refused > 0 && (
          <Section title={run.mode === "dry" ? "What would stay as it is" : "What stayed as it is"}>
            <RefusalList undo={run} mayForce={mayOperate && final && run.mode === "live"} />
          </Section>
        )}
        {run.since !== null && <CoveredRuns undoId={run.id} />}
        {!undo && run.letterGroups.length > 0 && (
          <Section title={run.mode === "dry" ? "What would fail" : "What failed"}>
            <FailedGroups run={run} />
          </Section>
        )}
        {!undo && (
          <Section title="Flow">
            <Card className="overflow-hidden">
              <RunCanvas
                document={run.document}
                steps={run.steps}
                waiting={waitingAt(run)}
                running={run.state === "running"}
                dry={run.mode === "dry"}
              />
            </Card>
          </Section>
        )}
        <Tabs
          label="Parts of this run"
          tabs={tabs}
          value={tabs.some(({ value }) => value === tab) ? (tab ?? "changes") : "changes"}
          onChange={setTab}
        />
      </div>
      {undoing && <UndoDialog run={run} keys={undoing.keys} onClose={() => setUndoing(null)} />}
    </>
  );
}

/** A page that could not be written is held as a whole, and counted nowhere yet but in the run. */
function waitingAt({ state, error, counts, steps }: RunDetail) {
  if (state !== "waiting" || !error?.step) return undefined;
  const records = counts.held - steps.reduce((sum, { held }) => sum + held, 0);
  return records > 0 ? { step: error.step, records } : undefined;
}

function CancelRun({ run }: { run: RunDetail }) {
  const trpc = useTRPC();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation(
    trpc.runs.cancel.mutationOptions({
      ...sayFailure(`Run ${run.id} could not be cancelled`),
      onSettled: () => setAsking(false),
    }),
  );
  return (
    <>
      <Button icon={Square} onClick={() => setAsking(true)} busy={cancel.isSuccess}>
        {cancel.isSuccess ? "Stopping after this page" : "Cancel"}
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        danger
        busy={cancel.isPending}
        title={`Stop ${runTitle(run).replace(/^./, (letter) => letter.toLowerCase())} after the page it is working on`}
        action="Stop the run"
        onConfirm={() => cancel.mutate({ runId: run.id })}
      >
        {run.mode === "dry"
          ? "It writes nothing anyway."
          : "What it has written so far stays and can be undone. It cannot be continued."}
      </ConfirmDialog>
    </>
  );
}

function Waiting() {
  return (
    <div role="status" aria-label="Loading" className="space-y-4">
      <Skeleton className="h-6 w-48" />
      <Skeleton className="h-4 w-96 max-w-full" />
      <Skeleton className="h-20 w-full" />
      <SkeletonRows />
    </div>
  );
}
