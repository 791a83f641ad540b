import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleX,
  Clock,
  FlaskConical,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  SkipForward,
} from "lucide-react";
import type { RunSummary } from "../../server/trpc/contract/runs.ts";
import { StatusPill } from "../ui/pill.tsx";
import type { Tone } from "../ui/tone.ts";
import { wasSkipped } from "./run-words.ts";

type State = RunSummary["state"];

export const runStates: Record<State, { word: string; tone: Tone; icon: LucideIcon; moving?: boolean }> = {
  queued: { word: "Queued", tone: "idle", icon: Clock },
  running: { word: "Running", tone: "run", icon: LoaderCircle, moving: true },
  waiting: { word: "Waiting", tone: "warn", icon: Hourglass },
  succeeded: { word: "Done", tone: "ok", icon: CircleCheck },
  succeeded_with_errors: { word: "Done, some failed", tone: "warn", icon: CircleAlert },
  failed: { word: "Stopped", tone: "bad", icon: CircleX },
  cancelled: { word: "Cancelled", tone: "idle", icon: Ban },
};

/** The state of a run as a pill; a dry run that ended shows what it is instead of “done”. */
export function RunState({
  run,
}: {
  run: Pick<RunSummary, "state" | "mode" | "kind"> & Partial<Pick<RunSummary, "counts" | "error">>;
}) {
  const { word, tone, icon, moving } = runStates[run.state];
  if (wasSkipped(run)) {
    return (
      <StatusPill tone="idle" icon={SkipForward}>
        Left out
      </StatusPill>
    );
  }
  const dryDone = run.mode === "dry" && (run.state === "succeeded" || run.state === "succeeded_with_errors");
  if (dryDone) {
    return (
      <StatusPill tone="dry" icon={FlaskConical}>
        {run.kind === "undo" ? "Preview" : "Tried"}
      </StatusPill>
    );
  }
  if (run.mode === "live" && run.state === "succeeded" && (run.counts?.held ?? 0) > 0) {
    return (
      <StatusPill tone="idle" icon={Hourglass}>
        {run.counts?.held === run.counts?.read ? "Held back" : "Done, some held"}
      </StatusPill>
    );
  }
  return (
    <StatusPill tone={tone} icon={icon} moving={moving}>
      {run.kind === "undo" && run.state === "succeeded_with_errors" ? "Done, some stayed" : word}
    </StatusPill>
  );
}
