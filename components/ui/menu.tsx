"use client";
import { Menu as Base } from "@base-ui/react/menu";
import type { LucideIcon } from "lucide-react";
import Link from "next/link";
import type { ReactElement, ReactNode } from "react";
import { cx } from "./cx.ts";

const item =
  "flex cursor-default items-center gap-2 rounded-control px-2 py-1 text-work outline-none select-none data-highlighted:bg-hover data-disabled:opacity-50 pointer-coarse:py-2.5";

/** A list of actions behind a button. `trigger` is the button (Button or IconButton). */
export function Menu({
  trigger,
  align = "end",
  children,
}: {
  trigger: ReactElement;
  align?: "start" | "center" | "end";
  children: ReactNode;
}) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger as ReactElement<Record<string, unknown>>} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="z-50 outline-none">
          <Base.Popup className="float-motion max-h-(--available-height) min-w-44 overflow-y-auto rounded-card bg-surface p-1 shadow-float outline-none">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export function MenuItem({
  icon: Icon,
  danger,
  disabled,
  onSelect,
  children,
}: {
  icon?: LucideIcon;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <Base.Item onClick={onSelect} disabled={disabled} className={cx(item, danger ? "text-bad-text" : "text-ink")}>
      {Icon && <Icon aria-hidden className={cx("size-3.5", !danger && "text-muted")} />}
      {children}
    </Base.Item>
  );
}

export function MenuLink({ icon: Icon, href, children }: { icon?: LucideIcon; href: string; children: ReactNode }) {
  return (
    <Base.LinkItem render={<Link href={href} />} closeOnClick className={cx(item, "text-ink")}>
      {Icon && <Icon aria-hidden className="size-3.5 text-muted" />}
      {children}
    </Base.LinkItem>
  );
}

/** A line of text above items: whose account this is, what the group is about. */
export function MenuHeading({ children }: { children: ReactNode }) {
  return <div className="px-2 py-1 text-caption text-muted">{children}</div>;
}

export function MenuSeparator() {
  return <Base.Separator className="my-1 h-px bg-line" />;
}
