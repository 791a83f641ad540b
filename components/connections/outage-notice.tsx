"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Hourglass, RotateCw } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import type { Outage } from "../../server/trpc/contract/connections.ts";
import { sayFailure } from "../server/act.ts";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/states.tsx";
import { toast } from "../ui/toast.tsx";
import { outageSentence, withoutName } from "./outage-words.ts";

/** The sentence about a system that is down; counts the seconds to the next try. */
export function OutageSentence({ outage }: { outage: Outage }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return outageSentence(outage, now);
}

/** Asks the system at once; runs that wait for it go on when it answers. */
export function TryNow({ outage }: { outage: Outage }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const mayOperate = useMay("operator");
  const { connectionId, connectionName } = outage;
  const attempt = useMutation(
    trpc.connections.tryNow.mutationOptions({
      ...sayFailure(`${connectionName} could not be asked`),
      onSuccess: ({ ok, message }) =>
        toast(
          ok
            ? {
                about: connectionId,
                title: `${connectionName} answers`,
                description: message ?? "What waited goes on.",
              }
            : {
                about: connectionId,
                kind: "failed",
                title: `${connectionName} still does not answer`,
                description: message && withoutName(message, connectionName),
              },
        ),
      onSettled: () =>
        Promise.all(
          [trpc.connections.list, trpc.connections.get, trpc.home.summary].map((part) =>
            queries.invalidateQueries(part.pathFilter()),
          ),
        ),
    }),
  );
  if (!mayOperate) return null;
  return (
    <Button icon={RotateCw} busy={attempt.isPending} onClick={() => attempt.mutate({ id: connectionId })}>
      Try now
    </Button>
  );
}

/** @param detail what the system, or the way to it, said */
export function OutageNotice({ outage, detail }: { outage: Outage; detail?: ReactNode }) {
  return (
    <Notice tone="warn" icon={Hourglass} action={<TryNow outage={outage} />}>
      <OutageSentence outage={outage} />
      {detail && <p className="text-muted">{detail}</p>}
    </Notice>
  );
}

/** For a run that waits for a connection: what is known of its outage, else only why the run waits. */
export function ConnectionOutage({ connectionId, why }: { connectionId: string; why: string }) {
  const trpc = useTRPC();
  const { data } = useQuery({ ...trpc.connections.list.queryOptions(), refetchInterval: 5_000 });
  const outage = data?.find(({ id }) => id === connectionId)?.outage;
  if (outage) return <OutageNotice outage={outage} detail={withoutName(why, outage.connectionName)} />;
  return (
    <Notice tone="warn" icon={Hourglass}>
      {why}
    </Notice>
  );
}
