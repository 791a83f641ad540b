import { CircleAlert, FlaskConical, Hourglass, OctagonX, SkipForward } from "lucide-react";
import Link from "next/link";
import { isFinal } from "../../engine/run/states.ts";
import { ConnectionOutage } from "../connections/outage-notice.tsx";
import { ResumeFlow } from "../flows/resume-flow.tsx";
import type { RunDetail } from "../server/trpc.ts";
import { count, formatNumber } from "../ui/format.ts";
import { Card } from "../ui/page.tsx";
import { StackedBar } from "../ui/stacked-bar.tsx";
import { Notice } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { HeldBack } from "./held-back.tsx";
import { balanceSegments, type Noun, TRY_AT_MOST, wasSkipped } from "./run-words.ts";

/** What stands in the way first, then the balance: read = sum of outcomes. */
export function RunBalance({ run, noun }: { run: RunDetail; noun: Noun }) {
  const total = run.kind === "undo" ? run.undoCounts.read : run.counts.read;
  // A draft is tried as far as it goes: records end, held, before steps that cannot run yet.
  const stopped = run.mode === "dry" && run.kind !== "undo" && isFinal(run.state) ? run.counts.held : 0;
  const waits = run.state === "waiting"; // its reason is fetched a moment after the news that it goes on
  const unclosed = isFinal(run.state) && run.state !== "cancelled" && !run.balanced;
  return (
    <div className="flex flex-col gap-3">
      {run.mode === "dry" && (
        <Notice tone="dry" icon={FlaskConical}>
          {run.kind === "undo"
            ? `This is a preview. It compared what the ${run.since === null ? "run" : "runs"} wrote with what is there now, and wrote nothing.`
            : isFinal(run.state)
              ? "This was a dry run with real data. It wrote nothing anywhere; what follows is what would be."
              : "This is a dry run with real data. It writes nothing anywhere; what follows is what would be."}
          {run.kind !== "undo" &&
            isFinal(run.state) &&
            run.counts.read === TRY_AT_MOST &&
            ` It ended after the first ${formatNumber(TRY_AT_MOST)} records; to try all, open the menu beside “Try it”.`}
        </Notice>
      )}
      {stopped > 0 && (
        <Notice tone="warn" icon={CircleAlert}>
          {count(stopped, "record")} got no further than the first step that has a problem in this draft. Mend the
          problems in the editor, then try it again.
        </Notice>
      )}
      {run.error && !run.waiting && !wasSkipped(run) && isFinal(run.state) && (
        <Notice tone="bad" icon={OctagonX}>
          <span className="font-medium">{run.error.message}</span>
        </Notice>
      )}
      {wasSkipped(run) && (
        <Notice tone="run" icon={SkipForward}>
          {run.error?.message} The flow’s settings say what happens then: leave that time out, or let it wait its turn.
        </Notice>
      )}
      <HeldBack run={run} />
      {waits && run.waiting?.connectionId !== undefined && (
        <ConnectionOutage connectionId={run.waiting.connectionId} why={run.waiting.reason} />
      )}
      {waits && run.waiting && run.waiting.connectionId === undefined && (
        <Notice
          tone="warn"
          icon={Hourglass}
          action={run.waiting.flowStopped && !run.flowRemoved && <ResumeFlow flowId={run.flowId} />}
        >
          {run.waiting.reason}
          {run.waiting.until && (
            <>
              {" "}
              It goes on <RelativeTime ahead at={run.waiting.until} />.
            </>
          )}
        </Notice>
      )}
      {unclosed && (
        <Notice tone="bad" icon={CircleAlert}>
          The balance does not close: the outcomes do not add up to what was read. This run counts as failed; tell
          whoever looks after Plumbline, and keep <Link href={`/runs/${run.id}`}>run {run.id}</Link>.
        </Notice>
      )}
      {total > 0 && (
        <Card className="p-4">
          <StackedBar
            total={total}
            noun={
              run.kind === "undo"
                ? `${total === 1 ? noun.one : noun.many} ${run.mode === "dry" ? "looked at" : "to put back"}`
                : run.kind === "replay"
                  ? "replayed"
                  : "read"
            }
            segments={balanceSegments(run)}
          />
        </Card>
      )}
    </div>
  );
}
