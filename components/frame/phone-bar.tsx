"use client";
import { Ellipsis } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cx } from "../ui/cx.ts";
import { formatNumber } from "../ui/format.ts";
import { Menu, MenuLink } from "../ui/menu.tsx";
import { Badge } from "../ui/pill.tsx";
import { isBelow, navItems, type Waiting } from "./nav.ts";

const place =
  "relative flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-[11px] leading-4 font-medium";

/** The sidebar of a phone: what is looked at on the way, within reach of the thumb. */
export function PhoneBar({ waiting }: { waiting: Waiting }) {
  const path = usePathname();
  const more = navItems.filter((item) => !item.phone);
  const inMoreWaits = more.reduce((sum, item) => sum + (waiting[item.href] ?? 0), 0);
  const inMore = more.some((item) => isBelow(path, item.href));
  return (
    <nav
      aria-label="Pages"
      className="flex shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {navItems
        .filter((item) => item.phone)
        .map((item) => {
          const here = isBelow(path, item.href);
          return (
            <Link
              key={item.href}
              href={item.href}
              aria-current={here ? "page" : undefined}
              className={cx(place, here ? "text-accent-text" : "text-muted")}
            >
              <item.icon aria-hidden className="size-5" />
              {item.label}
              {(waiting[item.href] ?? 0) > 0 && (
                <span className="absolute top-1.5 left-1/2 ml-1.5 rounded-full bg-bad-strong px-1 text-[10px] leading-4 text-on-bad tabular-nums">
                  {formatNumber(waiting[item.href] ?? 0)}
                  <span className="sr-only"> open</span>
                </span>
              )}
            </Link>
          );
        })}
      <Menu
        trigger={
          <button type="button" className={cx(place, inMore ? "text-accent-text" : "text-muted")}>
            <Ellipsis aria-hidden className="size-5" />
            More
            {inMoreWaits > 0 && (
              <span className="absolute top-1.5 left-1/2 ml-1.5 rounded-full bg-warn-soft px-1 text-[10px] leading-4 text-warn-text tabular-nums">
                {formatNumber(inMoreWaits)}
                <span className="sr-only"> open</span>
              </span>
            )}
          </button>
        }
      >
        {more.map((item) => (
          <MenuLink key={item.href} href={item.href} icon={item.icon}>
            {item.label}
            {(waiting[item.href] ?? 0) > 0 && (
              <Badge tone="warn">
                {formatNumber(waiting[item.href] ?? 0)}
                <span className="sr-only"> open</span>
              </Badge>
            )}
          </MenuLink>
        ))}
      </Menu>
    </nav>
  );
}
