"use client";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState, SkeletonRows } from "../ui/states.tsx";
import { readFailure } from "./failure.ts";

/**
 * The three states of an answer: on its way, failed with a way to ask again, here. Data that is here stays while it is refreshed.
 * @param what said when it fails: “The runs could not be loaded”
 */
export function Loaded<Data>({
  query,
  what,
  skeleton = <SkeletonRows />,
  children,
}: {
  query: UseQueryResult<Data, unknown>;
  what: string;
  skeleton?: ReactNode;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError)
    return (
      <ErrorState
        title={what}
        why={readFailure(query.error).message}
        onRetry={() => query.refetch()}
        busy={query.isFetching}
      />
    );
  return skeleton;
}
