"use client";
import { useMemo } from "react";
import type { Flow } from "../../engine/flow/schema.ts";
import { isFinal } from "../../engine/run/states.ts";
import { sinkOf } from "../../engine/steps/connection.ts";
import type { FlowWorld, Problem } from "../../engine/steps/define-step.ts";
import type { RunDetail } from "../server/trpc.ts";
import { marksOf } from "./marks.ts";

/** What the cards and links show of problems and of a run. An undo has no counts of its own to show on the flow. */
export function useMarks({
  flow,
  problems,
  run,
  world,
}: {
  flow: Flow;
  problems: Problem[];
  run: RunDetail | undefined;
  world: FlowWorld;
}) {
  const steps = run?.kind === "undo" ? undefined : run?.steps;
  const marks = useMemo(
    () =>
      marksOf(flow, problems, steps, (id) => {
        const step = flow.steps.find((one) => one.id === id);
        const sink = step?.kind === "write" ? sinkOf(world, step.connection, step.sink) : undefined;
        return sink?.fields.filter(({ readOnly }) => !readOnly).map(({ name }) => name);
      }),
    [flow, problems, steps, world],
  );
  const running = run !== undefined && !isFinal(run.state);
  const dry = run?.mode === "dry";
  const known = run !== undefined;
  const runLook = useMemo(() => (known ? { running, dry } : null), [known, running, dry]);
  return { marks, runLook };
}
