"use client";
import { type UseQueryResult, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Flow } from "../../engine/flow/schema.ts";
import type { ConnectionShape, FlowWorld } from "../../engine/steps/define-step.ts";
import { readFailure } from "../server/failure.ts";
import { useTRPC } from "../server/trpc.ts";
import { byName } from "../ui/sort.ts";
import type { Place } from "./palette-items.ts";

export type Places = {
  places: Place[];
  /** all connections have answered, or said why they cannot */
  ready: boolean;
  world: FlowWorld;
  /** of the webhook: "/hooks/…"; null while it is not known */
  address: string | null;
  /** mark and title of a connector */
  markOf: (connector: string) => { letters: string; tint: string };
};

// One function for all renders: with a new one each time, the answers would be compared in depth each time.
function answersOf<Data>(answers: UseQueryResult<Data, unknown>[]) {
  return answers.map(({ data, error, isPending }) => ({ data, error, isPending }));
}

/** The workspace's connections with what they offer, and what the flow's events carried: for the palette, and as the world in which a flow is validated here. */
export function usePlaces({ flowId, flow }: { flowId: string; flow: Flow }): Places {
  const trpc = useTRPC();
  const list = useQuery(trpc.connections.list.queryOptions());
  const connectors = useQuery(
    trpc.connections.connectors.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY }),
  );
  const trigger = flow.steps.find(({ kind }) => kind === "webhook" || kind === "event")?.id;
  const events = useQuery(
    trpc.flows.events.queryOptions({ flowId }, { enabled: trigger !== undefined, refetchInterval: 10_000 }),
  );
  const connections = useMemo(() => byName(list.data ?? []), [list.data]);
  const keep = { staleTime: 5 * 60_000, retry: false } as const;
  const offers = useQueries({
    queries: connections.map(({ id }) => trpc.connections.offers.queryOptions({ id }, keep)),
    combine: answersOf,
  });
  return useMemo(() => {
    const places = connections.map(({ id, name, connector }, index): Place => {
      const offer = offers[index];
      return {
        id,
        name,
        connector,
        ...(offer?.data ?? {}),
        ...(offer?.error && !offer.data ? { unavailable: readFailure(offer.error).message } : {}),
      };
    });
    const heard = trigger === undefined || !events.isPending;
    const ready = list.data !== undefined && heard && offers.every(({ isPending }) => !isPending);
    const shapes = places.map(({ id: _, ...shape }): [string, ConnectionShape] => [shape.name, shape]);
    const marks = new Map((connectors.data ?? []).map(({ id, mark }) => [id, mark]));
    return {
      places,
      ready,
      world: {
        connections: new Map(shapes),
        ...(trigger !== undefined && events.data?.learnt ? { learnt: new Map([[trigger, events.data.learnt]]) } : {}),
        ...(events.data ? { listeners: events.data.listeners } : {}),
      },
      address: events.data?.address ?? null,
      markOf: (connector) => marks.get(connector) ?? { letters: connector.slice(0, 2), tint: "slate" },
    };
  }, [list.data, connections, offers, connectors.data, trigger, events.data, events.isPending]);
}
