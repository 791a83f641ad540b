"use client";
import type { inferRouterOutputs } from "@trpc/server";
import { createTRPCContext } from "@trpc/tanstack-react-query";
import type { AppRouter } from "../../server/trpc/root.ts";

/**
 * The server as typed options for TanStack Query: `useQuery(useTRPC().runs.list.queryOptions({}))`,
 * `useMutation(useTRPC().runs.start.mutationOptions())`.
 */
export const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();

export type Outputs = inferRouterOutputs<AppRouter>;

/** Answers with open parts (a document) as they arrive here: after the way through JSON such a part may be absent. */
export type RunDetail = Outputs["runs"]["get"];
export type ConnectionDetail = Outputs["connections"]["get"];
export type ConnectorInfo = Outputs["connections"]["connectors"][number];
export type LetterDetail = Outputs["letters"]["get"];
export type AuditItem = Outputs["settings"]["audit"]["items"][number];
