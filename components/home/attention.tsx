"use client";
import { CircleAlert, CircleCheck, CircleX, Unplug, UserCheck, Workflow } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import type { HomeSummary } from "../../server/trpc/contract/home.ts";
import { OutageSentence, TryNow } from "../connections/outage-notice.tsx";
import { Button, ButtonLink } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";
import { formatNumber } from "../ui/format.ts";
import { Card } from "../ui/page.tsx";
import { Badge } from "../ui/pill.tsx";
import { Num } from "../ui/values.tsx";

const icons = { letters: CircleAlert, connection: Unplug, run: CircleX, flow: Workflow, approvals: UserCheck };

/** So many stand here unasked, so that flows and runs stay in sight below. */
const FIRST = 6;

/** What needs somebody, the most urgent first. */
export function Attention({ items, leftOut }: { items: HomeSummary["attention"]; leftOut: number }) {
  const [all, setAll] = useState(false);
  const folded = all ? 0 : Math.max(0, items.length - FIRST);
  if (items.length === 0) {
    return (
      <Card className="flex items-center gap-2.5 px-4 py-4">
        <CircleCheck aria-hidden className="size-4 text-ok-text" />
        <span className="text-ink">Nothing needs you right now.</span>
      </Card>
    );
  }
  return (
    <Card>
      <ul className="divide-y divide-line">
        {items.slice(0, items.length - folded).map((item) => {
          const Icon = icons[item.kind];
          const bad = item.kind === "letters" || item.kind === "run";
          if (item.outage) {
            return (
              <li key={`${item.kind} ${item.title}`} className="flex items-center gap-2.5 px-4 py-2">
                <Icon aria-hidden className="size-4 shrink-0 text-warn-text" />
                <Link
                  href={`/connections?connection=${encodeURIComponent(item.outage.connectionId)}`}
                  className="min-w-0 flex-1 rounded-mark font-medium text-ink hover:underline"
                >
                  <OutageSentence outage={item.outage} />
                </Link>
                <TryNow outage={item.outage} />
              </li>
            );
          }
          return (
            <li key={`${item.kind} ${item.href} ${item.title}`}>
              <Link
                href={item.href}
                className="flex items-start gap-2.5 rounded-card px-4 py-2.5 -outline-offset-2 hover:bg-hover"
              >
                <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", bad ? "text-bad-text" : "text-warn-text")} />
                <span className="min-w-0 flex-1">
                  <span className="block font-medium text-ink">{item.title}</span>
                  <span className="block text-muted">{item.detail}</span>
                </span>
                {item.count !== undefined && (
                  <Badge tone={bad ? "bad" : "warn"}>
                    <Num value={item.count} />
                  </Badge>
                )}
              </Link>
            </li>
          );
        })}
      </ul>
      {folded + leftOut > 0 && (
        <div className="flex flex-wrap items-center gap-x-3 border-t border-line px-2 py-1 text-muted">
          {folded > 0 ? (
            <Button look="quiet" onClick={() => setAll(true)}>
              Show {formatNumber(folded)} more{leftOut > 0 && ` of ${formatNumber(folded + leftOut)}`}
            </Button>
          ) : (
            <ButtonLink look="quiet" href="/flows?health=attention">
              {formatNumber(leftOut)} more under Flows
            </ButtonLink>
          )}
        </div>
      )}
    </Card>
  );
}
