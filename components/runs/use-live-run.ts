"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { isFinal } from "../../engine/run/states.ts";
import { useLive } from "../server/live.tsx";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";

/** A run that follows what the workers say: counts at once, the rest when it is asked again. Should the stream be silent, it asks every few seconds. */
export function useLiveRun(runId: string | null) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const options = trpc.runs.get.queryOptions({ runId: runId ?? "" }, { enabled: runId !== null });
  const query = useQuery({
    ...options,
    refetchInterval: ({ state }) => (state.data && !isFinal(state.data.state) ? 3000 : false),
  });
  useLive((event) => {
    if (event.type !== "run" || event.runId !== runId) return;
    queries.setQueryData(options.queryKey, (old: RunDetail | undefined) => {
      if (!old || isFinal(old.state)) return old;
      const { restored = 0, conflict = 0, failed = 0, ...counts } = event.counts;
      // The end brings times and groups with it, which only the server knows: the refetch changes the state.
      const state = isFinal(event.state) ? old.state : event.state;
      return {
        ...old,
        state,
        counts,
        undoCounts: { read: counts.read, restored, conflict, failed },
        steps: event.steps ?? old.steps,
      };
    });
  });
  return query;
}
