"use client";
import { PanelLeftClose, PanelLeftOpen } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useState } from "react";
import { IconButton } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";
import { formatNumber } from "../ui/format.ts";
import { Tooltip } from "../ui/tooltip.tsx";
import { isBelow, navItems, type Waiting } from "./nav.ts";
import { sidebarCookie } from "./sidebar-cookie.ts";

/** The way between pages; collapses to icons, which a cookie remembers, and by itself where a flow is drawn, which needs the room. */
export function Sidebar({ initiallyNarrow, waiting }: { initiallyNarrow: boolean; waiting: Waiting }) {
  const path = usePathname();
  const [kept, setKept] = useState(initiallyNarrow);
  const [wideHere, setWideHere] = useState(false);
  const drawing = /^\/flows\/[^/]+$/.test(path);
  const narrow = drawing ? !wideHere : kept;
  const toggle = () => {
    if (drawing) return setWideHere(narrow);
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser we serve
    document.cookie = `${sidebarCookie}=${narrow ? "wide" : "narrow"}; path=/; max-age=31536000; samesite=lax`;
    setKept(!narrow);
  };
  return (
    <nav
      aria-label="Pages"
      className={cx(
        "flex shrink-0 flex-col border-r border-line bg-ground p-2 max-md:hidden",
        narrow ? "w-13" : "w-50",
      )}
    >
      <ul className="flex flex-1 flex-col gap-0.5">
        {navItems.map((item) => {
          const here = isBelow(path, item.href);
          const count = waiting[item.href] ?? 0;
          const bad = item.href === "/failed";
          const name = count > 0 ? `${item.label}, ${formatNumber(count)} open` : item.label;
          const link = (
            <Link
              href={item.href}
              aria-label={narrow ? name : undefined}
              aria-current={here ? "page" : undefined}
              className={cx(
                "relative flex h-8 items-center gap-2.5 rounded-control px-2.5 text-work font-medium transition-colors",
                here ? "bg-hover text-ink" : "text-muted hover:bg-hover hover:text-ink",
                narrow && "justify-center px-0",
              )}
            >
              <item.icon aria-hidden className={cx("size-4 shrink-0", here && "text-accent-text")} />
              {!narrow && <span className="truncate">{item.label}</span>}
              {count > 0 && !narrow && (
                <span
                  className={cx(
                    "ml-auto rounded-full px-1.5 text-caption tabular-nums",
                    bad ? "bg-bad-soft text-bad-text" : "bg-warn-soft text-warn-text",
                  )}
                >
                  {formatNumber(count)}
                  <span className="sr-only"> open</span>
                </span>
              )}
              {count > 0 && narrow && (
                <span
                  aria-hidden
                  className={cx("absolute top-1 right-1.5 size-1.5 rounded-full", bad ? "bg-bad" : "bg-warn")}
                />
              )}
            </Link>
          );
          return (
            <li key={item.href}>
              {narrow ? (
                <Tooltip text={name} side="right">
                  {link}
                </Tooltip>
              ) : (
                link
              )}
            </li>
          );
        })}
      </ul>
      <IconButton
        label={narrow ? "Widen the sidebar" : "Collapse the sidebar"}
        icon={narrow ? PanelLeftOpen : PanelLeftClose}
        onClick={toggle}
        aria-expanded={!narrow}
        className={narrow ? "self-center" : "self-start"}
      />
    </nav>
  );
}
