"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { SignInAgain } from "../accounts/sign-in-again.tsx";
import { LiveProvider } from "../server/live.tsx";
import { SignedIn } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Skeleton, SkeletonRows } from "../ui/states.tsx";
import { keysAreTaken } from "../ui/table-keys.ts";
import { CommandPalette } from "./command.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { LiveLost } from "./live-lost.tsx";
import { PhoneBar } from "./phone-bar.tsx";
import { Sidebar } from "./sidebar.tsx";
import { TopBar } from "./top-bar.tsx";

/** Everything around a page for people who are signed in. The page scrolls inside; its own keys come first. */
export function Frame({ narrowSidebar, children }: { narrowSidebar: boolean; children: ReactNode }) {
  const queries = useQueryClient();
  return (
    <SignedIn
      waiting={<Waiting />}
      lapsed={({ user }) => <SignInAgain email={user.email} onSignedIn={() => queries.invalidateQueries()} />}
    >
      <LiveProvider>
        <Around narrowSidebar={narrowSidebar}>{children}</Around>
      </LiveProvider>
    </SignedIn>
  );
}

function Around({ narrowSidebar, children }: { narrowSidebar: boolean; children: ReactNode }) {
  const trpc = useTRPC();
  const groups = useQuery(trpc.letters.groups.queryOptions({}));
  const failed = (groups.data ?? []).reduce((sum, group) => sum + group.count, 0);
  const asked = useQuery(trpc.approvals.mine.queryOptions());
  const waiting = { "/failed": failed, "/approvals": asked.data?.count ?? 0 };
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setPalette((open) => !open);
      } else if (!keysAreTaken(event) && event.key === "/") {
        event.preventDefault();
        setPalette(true);
      } else if (!keysAreTaken(event) && event.key === "?") setHelp(true);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <div className="flex h-dvh flex-col">
      <a
        href="#page"
        className="sr-only z-50 rounded-control bg-accent px-3 py-1.5 text-on-accent focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        Skip to the page
      </a>
      <TopBar onSearch={() => setPalette(true)} onHelp={() => setHelp(true)} />
      <LiveLost />
      <div className="flex min-h-0 flex-1">
        <Sidebar initiallyNarrow={narrowSidebar} waiting={waiting} />
        <main id="page" tabIndex={-1} className="thin-scroll relative min-w-0 flex-1 overflow-y-auto outline-none">
          {children}
        </main>
      </div>
      <PhoneBar waiting={waiting} />
      <CommandPalette open={palette} onClose={() => setPalette(false)} />
      <HelpDialog open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

/** The frame's outline while we find out who is there. */
function Waiting() {
  return (
    <div className="flex h-dvh flex-col" role="status" aria-label="Loading">
      <div className="flex h-12 items-center gap-3 border-b border-line bg-surface px-3">
        <Skeleton className="size-6" />
        <Skeleton className="h-3 w-40" />
      </div>
      <div className="mx-auto w-full max-w-[1440px] space-y-4 p-6">
        <Skeleton className="h-6 w-56" />
        <SkeletonRows />
      </div>
    </div>
  );
}
