"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { sayFailure } from "../server/act.ts";
import { useTRPC } from "../server/trpc.ts";
import { count } from "../ui/format.ts";
import { toast } from "../ui/toast.tsx";

/** Replay and dismiss, each saying what happens and refreshing what is on screen. */
export function useLetterActions(onDone: () => void) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const router = useRouter();
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries(trpc.letters.pathFilter()),
      queries.invalidateQueries(trpc.home.pathFilter()),
    ]);
  const replay = useMutation(
    trpc.letters.replay.mutationOptions({
      ...sayFailure("The records could not be replayed"),
      onSuccess: async ({ id }) => {
        toast({
          kind: "info",
          title: `Replaying in run ${id}`,
          description: "What fails again comes back to this list.",
          action: { label: "Open the run", onClick: () => router.push(`/runs/${id}`) },
        });
        onDone();
        await refresh();
      },
    }),
  );
  const dismiss = useMutation(
    trpc.letters.dismiss.mutationOptions({
      ...sayFailure("The records could not be dismissed"),
      onSuccess: async ({ dismissed }) => {
        toast({ title: `${count(dismissed, "record")} dismissed` });
        onDone();
        await refresh();
      },
    }),
  );
  return { replay, dismiss };
}
