"use client";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCLink,
} from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { type ReactNode, useState } from "react";
import type { AppRouter } from "../../server/trpc/root.ts";
import { ToastProvider } from "../ui/toast.tsx";
import { isWorthRetrying } from "./failure.ts";
import { TRPCProvider } from "./trpc.ts";

const url = "/api/trpc";

function makeQueryClient() {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The live stream says when something changed; between two such words what we have is good.
        staleTime: 30_000,
        retry: (failures, error) => failures < 2 && isWorthRetrying(error),
        retryDelay: (failures) => 400 * 2 ** failures,
      },
    },
  });
}

/** Hears of every call that was refused because nobody is signed in. */
function whenSignedOut(tell: () => void): TRPCLink<AppRouter> {
  return () =>
    ({ next, op }) =>
      observable((observer) =>
        next(op).subscribe({
          next: (value) => observer.next(value),
          error(error) {
            if (error.data?.httpStatus === 401) tell();
            observer.error(error);
          },
          complete: () => observer.complete(),
        }),
      );
}

function makeClient(queries: QueryClient) {
  return createTRPCClient<AppRouter>({
    links: [
      whenSignedOut(() => queries.invalidateQueries({ queryKey: [["session", "me"]] })),
      splitLink({
        condition: (operation) => operation.type === "subscription",
        true: httpSubscriptionLink({ url }),
        false: splitLink({
          // Whole documents are too long for an address.
          condition: ({ path }) => path === "flows.preview" || path === "flows.validate",
          true: httpLink({ url, methodOverride: "POST" }),
          false: splitLink({
            // All connections are asked together; each answer comes when it is there, whichever system keeps silent.
            condition: ({ path }) => path === "connections.offers",
            true: httpBatchStreamLink({ url, methodOverride: "POST", maxItems: 200 }),
            false: httpBatchLink({ url, maxURLLength: 4000 }),
          }),
        }),
      }),
    ],
  });
}

/** What every page stands in: the server's answers, toasts and tooltips. */
export function Providers({ children }: { children: ReactNode }) {
  const [queryClient] = useState(makeQueryClient);
  const [trpcClient] = useState(() => makeClient(queryClient));
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
        <Tooltip.Provider delay={350} closeDelay={0}>
          <ToastProvider>{children}</ToastProvider>
        </Tooltip.Provider>
      </TRPCProvider>
    </QueryClientProvider>
  );
}
