"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Flow } from "../../engine/flow/schema.ts";
import { useTRPC } from "../server/trpc.ts";
import { documentInto, documentUpTo } from "./preview-document.ts";

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
 * Sample records of the real source at a step, before and after it. What is there stays while something newer is on its way.
 *
 * @param into what enters a map step, whatever its rules say; they are evaluated here in the browser
 */
export function usePreview(flow: Flow, stepId: string | null, into = false) {
  const trpc = useTRPC();
  const asked = useRested(flow, 400);
  const document = stepId === null ? null : into ? documentInto(asked, stepId) : documentUpTo(asked, stepId);
  const known = document?.steps.some(({ id }) => id === stepId) ?? false;
  return useQuery({
    ...trpc.flows.preview.queryOptions(
      { document: (document ?? {}) as { [name: string]: unknown }, stepId: stepId ?? "", limit: samples },
      { enabled: known },
    ),
    placeholderData: (before, query) =>
      (query?.queryKey[1] as { input?: { stepId?: string } } | undefined)?.input?.stepId === stepId
        ? keepPreviousData(before)
        : undefined,
    retry: false,
  });
}
