"use client";
import type { UseQueryResult } from "@tanstack/react-query";
import { Compass } from "lucide-react";
import type { ReactNode } from "react";
import { ButtonLink } from "../ui/button.tsx";
import { EmptyState, ErrorState, SkeletonRows } from "../ui/states.tsx";
import { readFailure } from "./failure.ts";

/**
 * The three states of an answer: on its way, failed with a way to ask again, here. Data that is here stays while it is refreshed.
 * @param what said when it fails: “The runs could not be loaded”
 * @param missing what a whole page says when it is about something that does not exist, and where to go instead
 */
export function Loaded<Data>({
  query,
  what,
  missing,
  skeleton = <SkeletonRows />,
  children,
}: {
  query: UseQueryResult<Data, unknown>;
  what: string;
  missing?: { title: string; href: string; go: string };
  skeleton?: ReactNode;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) {
    const { message, status } = readFailure(query.error);
    if (status === 404 && missing)
      return (
        <EmptyState
          icon={Compass}
          title={<h1>{missing.title}</h1>}
          action={<ButtonLink href={missing.href}>{missing.go}</ButtonLink>}
        >
          It may have been removed, or the address was cut short.
        </EmptyState>
      );
    // What is not there will not be there on the next try either.
    const onRetry = status === 404 || status === 403 ? undefined : () => query.refetch();
    return <ErrorState title={what} why={message} onRetry={onRetry} busy={query.isFetching} />;
  }
  return skeleton;
}
