"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Flow } from "../../engine/flow/schema.ts";
import { useTRPC } from "../server/trpc.ts";
import { useEditor } from "./editor-context.tsx";
import { documentInto, documentUpTo } from "./preview-document.ts";
import { startsWithEvents } from "./starts-with-events.ts";

export const samples = 20;

/** A value once it has rested for a moment. */
export function useRested<Value>(value: Value, ms: number): Value {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}

/**
 * Sample records of the real source at a step (of a flow that starts with events: the newest ones), before and after it. What is there stays while something newer is on its way.
 *
 * @param into what enters a map step, whatever its rules say; they are evaluated here in the browser
 */
export function usePreview(flow: Flow, stepId: string | null, into = false) {
  const trpc = useTRPC();
  const { flowId, places } = useEditor();
  const asked = useRested(flow, 400);
  const document = stepId === null ? null : into ? documentInto(asked, stepId) : documentUpTo(asked, stepId);
  const known = document?.steps.some(({ id }) => id === stepId) ?? false;
  // its samples are the flow's own newest events, of which more may come
  const hears = document !== null && startsWithEvents(document);
  return useQuery({
    ...trpc.flows.preview.queryOptions(
      {
        document: (document ?? {}) as { [name: string]: unknown },
        stepId: stepId ?? "",
        limit: samples,
        ...(hears ? { flowId } : {}),
      },
      { enabled: known, ...(hears && places.world.learnt ? { refetchInterval: 10_000 } : {}) },
    ),
    placeholderData: (before, query) =>
      (query?.queryKey[1] as { input?: { stepId?: string } } | undefined)?.input?.stepId === stepId
        ? keepPreviousData(before)
        : undefined,
    retry: false,
  });
}
