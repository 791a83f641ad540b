"use client";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import type { Me, Role } from "../../server/trpc/contract/people.ts";
import { ErrorState } from "../ui/states.tsx";
import { readFailure } from "./failure.ts";
import { useTRPC } from "./trpc.ts";

const MeContext = createContext<Me>(null);
const order: Role[] = ["viewer", "builder", "operator", "admin", "owner"];

/**
 * Lets only signed-in people through; others go to sign-in, or to the first account when there is none.
 * @param lapsed stands over the page of somebody whose session ended meanwhile: the page, and what is not saved, stay
 */
export function SignedIn({
  waiting,
  lapsed,
  children,
}: {
  waiting: ReactNode;
  lapsed: (me: NonNullable<Me>) => ReactNode;
  children: ReactNode;
}) {
  const trpc = useTRPC();
  const router = useRouter();
  const me = useQuery(trpc.session.me.queryOptions());
  const [last, setLast] = useState<Me>(null);
  if (me.data && me.data !== last) setLast(me.data);
  const signedOut = me.data === null && last === null;
  const setup = useQuery(trpc.session.setup.queryOptions(undefined, { enabled: signedOut }));
  useEffect(() => {
    if (!signedOut || setup.data === undefined) return;
    const here = window.location.pathname + window.location.search;
    router.replace(
      setup.data.needsFirstAccount ? "/setup" : `/sign-in${here === "/" ? "" : `?next=${encodeURIComponent(here)}`}`,
    );
  }, [signedOut, setup.data, router]);
  if (me.isError && me.data === undefined) {
    return (
      <ErrorState
        title="Plumbline cannot tell who you are"
        why={readFailure(me.error).message}
        onRetry={() => me.refetch()}
        busy={me.isFetching}
      />
    );
  }
  const shown = me.data ?? last;
  if (!shown) return waiting;
  return (
    <MeContext value={shown}>
      {children}
      {me.data === null && lapsed(shown)}
    </MeContext>
  );
}

/** Who is signed in. Only below `SignedIn`. */
export function useMe(): NonNullable<Me> {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe is called outside SignedIn");
  return me;
}

/** Whether the signed-in person's role is at least `needed`. The server decides again; this only spares a press that would be refused. */
export function useMay(needed: Role): boolean {
  const me = useContext(MeContext);
  return me !== null && order.indexOf(me.role) >= order.indexOf(needed);
}
