"use client";
import { ChevronDown, CircleHelp, LogOut, Search, Settings, UserRound, Users } from "lucide-react";
import Link from "next/link";
import { signOut } from "../server/auth.ts";
import { useMe } from "../server/me.tsx";
import { IconButton } from "../ui/button.tsx";
import { Kbd } from "../ui/kbd.tsx";
import { Menu, MenuHeading, MenuItem, MenuLink, MenuSeparator } from "../ui/menu.tsx";
import { Logo } from "./logo.tsx";
import { ThemeMenu } from "./theme-menu.tsx";

/** “Ana Novak” → “AN”; an e-mail gives its first two letters. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? `${words[0]?.[0]}${words.at(-1)?.[0]}` : name.trim().slice(0, 2);
  return letters.toUpperCase();
}

export function TopBar({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const me = useMe();
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line bg-surface px-3">
      <Link
        href="/"
        className="flex items-center gap-2 rounded-control pr-1 pointer-coarse:h-11 pointer-coarse:min-w-11 text-body font-semibold tracking-tight text-ink"
      >
        <Logo />
        <span className="max-sm:sr-only">Plumbline</span>
      </Link>
      <span aria-hidden className="h-4 w-px bg-line max-sm:hidden" />
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            className="control flex min-w-0 items-center gap-1 px-1.5 text-muted hover:bg-hover hover:text-ink"
          >
            <span className="truncate">{me.workspace.name}</span>
            <ChevronDown aria-hidden className="size-3.5 shrink-0" />
            <span className="sr-only">, workspace</span>
          </button>
        }
      >
        <MenuHeading>You are {withArticle(me.role)} here</MenuHeading>
        <MenuLink icon={Users} href="/settings?part=people">
          People and roles
        </MenuLink>
        <MenuLink icon={Settings} href="/settings">
          Workspace settings
        </MenuLink>
      </Menu>
      <div className="flex-1" />
      <button
        type="button"
        onClick={onSearch}
        aria-keyshortcuts="Meta+K Control+K"
        className="control-large flex w-72 items-center gap-2 border border-line bg-ground px-2.5 text-muted transition-colors hover:border-edge hover:text-ink max-lg:w-48 max-md:w-auto max-md:border-0 max-md:bg-transparent max-md:px-2"
      >
        <Search aria-hidden className="size-4 shrink-0 md:size-3.5" />
        <span className="truncate max-md:sr-only">Search order, e-mail, flow…</span>
        <span className="ml-auto max-md:hidden">
          <Kbd keys="⌘K" />
        </span>
      </button>
      <IconButton label="Keys and help" keys="?" icon={CircleHelp} onClick={onHelp} className="max-md:hidden" />
      <ThemeMenu />
      <Menu
        trigger={
          <button
            type="button"
            className="relative flex size-7 items-center justify-center rounded-full bg-accent-soft text-[11px] font-semibold text-accent-text pointer-coarse:size-9 pointer-coarse:after:absolute pointer-coarse:after:-inset-1"
          >
            <span aria-hidden>{initials(me.user.name || me.user.email)}</span>
            <span className="sr-only">Your account, {me.user.name}</span>
          </button>
        }
      >
        <MenuHeading>
          <span className="block text-work font-medium text-ink">{me.user.name}</span>
          {me.user.email}
        </MenuHeading>
        <MenuSeparator />
        <MenuLink icon={UserRound} href="/settings?part=account">
          Your account
        </MenuLink>
        <MenuItem icon={LogOut} onSelect={signOut}>
          Sign out
        </MenuItem>
      </Menu>
    </header>
  );
}

const withArticle = (role: string) => `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`;
