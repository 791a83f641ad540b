"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { LiveEvent } from "../../server/trpc/contract/home.ts";
import { useTRPC } from "./trpc.ts";

type Listener = (event: LiveEvent) => void;
type Live = { listen: (listener: Listener) => () => void; connected: boolean };

const LiveContext = createContext<Live>({ listen: () => () => undefined, connected: false });

/** At most one refetch per kind in this time, so that a run with hundreds of pages does not ask hundreds of times. */
const refetchEveryMs = 700;
/** A stream that was refused is asked for again after this time. */
const beginAgainMs = 3_000;

/** The one live stream of this tab: what is heard makes the answers it touches stale, and goes to whoever listens. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const listeners = useRef(new Set<Listener>());
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const [connected, setConnected] = useState(false);

  const soon = (name: string, refetch: () => void) => {
    if (waiting.current.has(name)) return;
    const timer = setTimeout(() => {
      waiting.current.delete(name);
      refetch();
    }, refetchEveryMs);
    waiting.current.set(name, timer);
  };

  const hear = (event: LiveEvent) => {
    for (const listener of listeners.current) listener(event);
    const stale = (path: readonly unknown[]) => queries.invalidateQueries({ queryKey: path });
    if (event.type === "run") {
      soon(`run ${event.runId}`, () => {
        stale(trpc.runs.get.queryKey({ runId: event.runId }));
        stale(trpc.runs.changes.pathKey());
        stale(trpc.runs.letters.pathKey());
      });
      soon("runs", () => {
        stale(trpc.runs.list.pathKey());
        stale(trpc.flows.list.pathKey());
        stale(trpc.flows.get.queryKey({ flowId: event.flowId }));
        stale(trpc.home.pathKey());
      });
    } else if (event.type === "letters") {
      soon("letters", () => {
        stale(trpc.letters.pathKey());
        stale(trpc.home.pathKey());
        stale(trpc.flows.list.pathKey());
      });
    } else if (event.type === "approvals") {
      soon("approvals", () => {
        stale(trpc.approvals.pathKey());
      });
    } else if (event.type === "connection") {
      soon("connections", () => {
        stale(trpc.connections.list.pathKey());
        stale(trpc.connections.get.pathKey());
        stale(trpc.home.pathKey());
      });
    } else {
      soon("flows", () => {
        stale(trpc.flows.list.pathKey());
        stale(trpc.home.pathKey());
      });
    }
  };

  const stream = useSubscription(
    trpc.runs.live.subscriptionOptions(
      {},
      {
        onData: (event) => hear("data" in event ? (event.data as LiveEvent) : (event as LiveEvent)),
        onConnectionStateChange: (state: { state: string }) => setConnected(state.state === "pending"),
      },
    ),
  );
  // The stream comes back by itself from a cut, but not from a refusal, such as while nobody is signed in.
  const { status, reset } = stream;
  useEffect(() => {
    if (status !== "error") return;
    const timer = setTimeout(reset, beginAgainMs);
    return () => clearTimeout(timer);
  }, [status, reset]);
  useEffect(() => {
    const timers = waiting.current;
    return () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    };
  }, []);

  const value = useMemo<Live>(
    () => ({
      connected,
      listen: (listener) => {
        listeners.current.add(listener);
        return () => listeners.current.delete(listener);
      },
    }),
    [connected],
  );
  return <LiveContext value={value}>{children}</LiveContext>;
}

/** Whether live updates arrive at the moment. */
export function useLiveState(): { connected: boolean } {
  return useContext(LiveContext);
}

/** Hears every event of the tab's stream while mounted, for what changes too often to be asked again: counts of a running run. */
export function useLive(listener: Listener) {
  const { listen } = useContext(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => listen((event) => latest.current(event)), [listen]);
}
