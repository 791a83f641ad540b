"use client";
import { useMemo } from "react";
import { readDraft } from "../../engine/flow/read-draft.ts";
import type { RunStepCounts } from "../../server/trpc/contract/runs.ts";
import { FlowCanvas } from "../canvas/flow-canvas.tsx";
import type { Marks } from "../canvas/to-react-flow.ts";

/** The flow of a run as it was drawn, with its counts on steps and links; records flow along the links while it runs. */
export function RunCanvas({
  document,
  steps,
  waiting,
  running,
  dry,
}: {
  document: unknown;
  steps: RunStepCounts[];
  /** what waits with the run, and where it met what it waits for */
  waiting?: { step: string; records: number };
  running: boolean;
  dry: boolean;
}) {
  const flow = useMemo(() => readDraft(document).flow, [document]);
  const marks = useMemo(
    () =>
      Object.fromEntries(
        steps.map(({ id, in: arrived, out, dead, held, ports }): [string, Marks[string]] => [
          id,
          { counts: { in: arrived, out, dead, held: held + (id === waiting?.step ? waiting.records : 0), ports } },
        ]),
      ),
    [steps, waiting?.step, waiting?.records],
  );
  const run = useMemo(() => ({ running, dry }), [running, dry]);
  return (
    <div className="h-72">
      <FlowCanvas flow={flow} marks={marks} run={run} label="The flow with the counts of this run" plain />
    </div>
  );
}
