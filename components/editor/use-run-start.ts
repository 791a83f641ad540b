"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { useTRPC, useTRPCClient } from "../server/trpc.ts";

/** Starts runs from the editor: a dry run of the draft as it is on the screen, or the live version for real. */
export function useRunStart({
  flowId,
  flush,
  onStarted,
}: {
  flowId: string;
  flush: () => Promise<boolean>;
  onStarted: () => void;
}) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const [runId, setRunId] = useState<string | null>(null);
  const started = ({ id }: { id: string }) => {
    setRunId(id);
    onStarted();
    queries.invalidateQueries(trpc.runs.list.pathFilter());
  };
  const dry = useMutation({
    mutationFn: async (limit: number | null) => {
      if (!(await flush())) throw new Error("The draft is not saved yet. Save it, then try it.");
      return client.runs.start.mutate({ flowId, mode: "dry", ...(limit === null ? {} : { limit }) });
    },
    onSuccess: started,
    ...sayFailure("It could not be tried"),
  });
  const live = useMutation({
    mutationFn: () => client.runs.start.mutate({ flowId, mode: "live" }),
    onSuccess: started,
    ...sayFailure("The run could not be started"),
  });
  return {
    runId,
    tryIt: (limit: number | null) => dry.mutate(limit),
    trying: dry.isPending,
    runNow: () => live.mutate(),
    starting: live.isPending,
  };
}
