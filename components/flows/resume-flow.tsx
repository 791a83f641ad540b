"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CirclePlay } from "lucide-react";
import { sayFailure } from "../server/act.ts";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";

/**
 * Lets a stopped flow go on, from where it is said that it is stopped. Nothing for who may not.
 * @param large in a row of large buttons, which has little room on a phone
 */
export function ResumeFlow({ flowId, large }: { flowId: string; large?: boolean }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const mayOperate = useMay("operator");
  const resume = useMutation(
    trpc.flows.resume.mutationOptions({
      ...sayFailure("The flow could not be resumed"),
      onSettled: () =>
        Promise.all([trpc.flows, trpc.runs, trpc.home].map((part) => queries.invalidateQueries(part.pathFilter()))),
    }),
  );
  if (!mayOperate) return null;
  return (
    <Button
      large={large}
      icon={CirclePlay}
      busy={resume.isPending}
      onClick={() => resume.mutate({ flowId })}
      aria-label="Resume the flow"
    >
      <span className={cx(large && "max-md:hidden")}>Resume the flow</span>
    </Button>
  );
}
