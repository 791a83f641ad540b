"use client";
import { Dialog as Base } from "@base-ui/react/dialog";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { ArrowRight, Cable, FileSearch, type LucideIcon, Play, Plus, Search, WifiOff, Workflow } from "lucide-react";
import { useRouter } from "next/navigation";
import { type ReactNode, useDeferredValue, useEffect, useState } from "react";
import type { SearchHit } from "../../server/trpc/contract/home.ts";
import { readFailure } from "../server/failure.ts";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { navItems } from "./nav.ts";
import { staysHere } from "./stay.ts";
import { applyTheme } from "./theme.ts";
import { themeChoices } from "./theme-menu.tsx";

const item =
  "flex h-9 cursor-default items-center gap-2.5 rounded-control px-2.5 text-work text-ink select-none data-[selected=true]:bg-hover pointer-coarse:h-11";
const group =
  "p-1 [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-caption [&_[cmdk-group-heading]]:text-muted";
const hitIcons: Record<SearchHit["kind"], LucideIcon> = {
  flow: Workflow,
  connection: Cable,
  run: Play,
  record: FileSearch,
  page: ArrowRight,
};
const hitWords: Record<SearchHit["kind"], string> = {
  flow: "Flow",
  connection: "Connection",
  run: "Run",
  record: "Record",
  page: "Page",
};

/** ⌘K: finds an order, an e-mail, a flow; goes to any page; starts something new. */
export function CommandPalette({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-overlay transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup
          data-modal
          aria-label="Search and go"
          className="float-motion fixed z-40 bg-surface shadow-float outline-none max-sm:inset-x-0 max-sm:top-0 sm:top-[14dvh] sm:left-1/2 sm:w-[min(640px,94vw)] sm:-translate-x-1/2 sm:rounded-card"
        >
          <Palette onClose={onClose} />
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

function Palette({ onClose }: { onClose: () => void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const mayBuild = useMay("builder");
  const [text, setText] = useState("");
  const asked = useDeferredValue(text.trim());
  const hits = useQuery(
    trpc.search.all.queryOptions({ text: asked }, { enabled: asked.length >= 2, placeholderData: keepPreviousData }),
  );
  const failure = asked.length >= 2 && hits.isError ? readFailure(hits.error) : null;
  const offline = asked.length >= 2 && hits.isPaused; // without a network nothing is even asked
  const go = (href: string) => {
    onClose();
    if (!staysHere(offline || failure?.reason === "unreachable")) router.push(href);
  };
  const matches = (words: string) => words.toLowerCase().includes(text.trim().toLowerCase());
  const pages = navItems.filter((page) => matches(page.label));
  const actions = [
    { label: "New flow", icon: Plus, allowed: mayBuild, act: () => go("/flows?new=1") },
    { label: "New connection", icon: Cable, allowed: mayBuild, act: () => go("/connections?new=1") },
    ...themeChoices.map(({ theme, label, icon }) => ({
      label: `Theme: ${label}`,
      icon,
      allowed: true,
      act: () => {
        applyTheme(theme);
        onClose();
      },
    })),
  ].filter((action) => action.allowed && matches(action.label));
  const found = asked.length >= 2 ? (hits.data ?? []).filter((hit) => hit.kind !== "page") : [];
  const asksRecord = asked.length >= 2 && !found.some((hit) => hit.kind === "record");
  const first = [
    ...found.map((hit) => `hit ${hit.href}`),
    ...(asksRecord ? ["journey"] : []),
    ...pages.map((page) => `page ${page.href}`),
    ...actions.map((action) => `do ${action.label}`),
  ][0];
  const [pointed, setPointed] = useState(first);
  // What is found comes after what was there before; Enter takes the best of it, which stands first.
  useEffect(() => setPointed(first), [first]);
  return (
    <Command label="Search and go" shouldFilter={false} loop value={pointed ?? ""} onValueChange={setPointed}>
      <div className="flex h-12 items-center gap-2.5 border-b border-line px-4">
        <Search aria-hidden className="size-4 shrink-0 text-faint" />
        <Command.Input
          value={text}
          onValueChange={setText}
          autoFocus
          placeholder="Order number, e-mail, flow, page…"
          className="h-full min-w-0 flex-1 bg-transparent text-body text-ink outline-none"
        />
      </div>
      <Command.List className="thin-scroll max-h-[min(420px,60dvh)] overflow-y-auto overscroll-contain">
        <Command.Empty className="px-4 py-8 text-center text-work text-muted">
          {hits.isFetching
            ? "Looking…"
            : `Nothing is called “${text.trim()}”. Record keys are found by their whole text.`}
        </Command.Empty>
        {(failure || offline) && (
          <p role="status" className="flex items-start gap-2.5 px-4 pt-3 pb-1 text-work text-muted">
            <WifiOff aria-hidden className="mt-0.5 size-4 shrink-0 text-warn-text" />
            The search got no answer. {failure?.message ?? "There is no network; it is asked again by itself."}
          </p>
        )}
        {found.length > 0 && (
          <Command.Group heading="Found" className={group}>
            {found.map((hit) => (
              <Entry
                key={`${hit.kind} ${hit.href}`}
                value={`hit ${hit.href}`}
                icon={hitIcons[hit.kind]}
                onSelect={() => go(hit.href)}
                aside={hitWords[hit.kind]}
              >
                <span className="truncate">{hit.title}</span>
                <span className="truncate text-muted">{hit.detail}</span>
              </Entry>
            ))}
          </Command.Group>
        )}
        {asksRecord && (
          <Command.Group heading="Record" className={group}>
            <Entry value="journey" icon={FileSearch} onSelect={() => go(`/records?key=${encodeURIComponent(asked)}`)}>
              Where is “{asked}”? Show what happened to it
            </Entry>
          </Command.Group>
        )}
        {pages.length > 0 && (
          <Command.Group heading="Go to" className={group}>
            {pages.map((page) => (
              <Entry key={page.href} value={`page ${page.href}`} icon={page.icon} onSelect={() => go(page.href)}>
                {page.label}
              </Entry>
            ))}
          </Command.Group>
        )}
        {actions.length > 0 && (
          <Command.Group heading="Do" className={group}>
            {actions.map((action) => (
              <Entry key={action.label} value={`do ${action.label}`} icon={action.icon} onSelect={action.act}>
                {action.label}
              </Entry>
            ))}
          </Command.Group>
        )}
      </Command.List>
    </Command>
  );
}

function Entry({
  value,
  icon: Icon,
  onSelect,
  aside,
  children,
}: {
  value: string;
  icon: LucideIcon;
  onSelect: () => void;
  aside?: string;
  children: ReactNode;
}) {
  return (
    <Command.Item value={value} onSelect={onSelect} className={item}>
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      <span className="flex min-w-0 flex-1 items-center gap-2">{children}</span>
      {aside && <span className="shrink-0 text-caption text-muted">{aside}</span>}
    </Command.Item>
  );
}
