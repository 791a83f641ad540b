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
  if (query.isError) {
    const { message, status } = readFailure(query.error);
    // What is not there will not be there on the next try either.
    const onRetry = status === 404 || status === 403 ? undefined : () => query.refetch();
    return <ErrorState title={what} why={message} onRetry={onRetry} busy={query.isFetching} />;
  }
  return skeleton;
}
