"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { mayHaveArrived } from "../failed/reason.ts";
import { ResendDialog } from "../failed/resend.tsx";
import { sayFailure } from "../server/act.ts";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC, useTRPCClient } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { toast } from "../ui/toast.tsx";
import { nounOf } from "./run-words.ts";

/** Most letters one call takes. */
const most = 10_000;

/** Replays what is still open of a run's failed records, with the version that is live now. */
export function RetryFailed({ run }: { run: RunDetail }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const router = useRouter();
  const open = useQuery(trpc.letters.list.queryOptions({ runId: run.id, state: "open", limit: 1000 }));
  const replay = useMutation(trpc.letters.replay.mutationOptions());
  const retry = useMutation({
    ...sayFailure(`The failed records of run ${run.id} could not be retried`),
    mutationFn: async () => {
      const ids: string[] = [];
      for (let cursor: string | undefined; ids.length < most; ) {
        const page = await client.runs.letters.query({ runId: run.id, cursor, limit: 1000 });
        ids.push(...page.items.filter((letter) => letter.state === "open").map((letter) => letter.id));
        if (page.next === null) break;
        cursor = page.next;
      }
      return ids.length === 0 ? null : replay.mutateAsync({ ids: ids.slice(0, most) });
    },
    onSuccess: (started) => {
      if (started) router.push(`/runs/${started.id}`);
      else
        toast({
          kind: "info",
          title: "Nothing is left to retry",
          description: "The failed records of this run were replayed or dismissed already.",
        });
    },
  });
  const [asking, setAsking] = useState(false);
  if (!open.data || open.data.items.length === 0) return null;
  const noun = nounOf(run.document);
  const many = open.data.next === null ? count(open.data.items.length, noun.one, noun.many) : `all failed ${noun.many}`;
  const doubtful = open.data.items.filter(mayHaveArrived).length;
  return (
    <>
      <Button
        look={doubtful > 0 ? "plain" : "primary"}
        icon={RotateCcw}
        busy={retry.isPending}
        onClick={() => (doubtful > 0 ? setAsking(true) : retry.mutate())}
      >
        Retry {many}
        {doubtful > 0 && "…"}
      </Button>
      {asking && (
        <ResendDialog
          records={open.data.next === null ? open.data.items.length : null}
          busy={retry.isPending}
          onClose={() => setAsking(false)}
          onSend={() => retry.mutate()}
        />
      )}
    </>
  );
}
