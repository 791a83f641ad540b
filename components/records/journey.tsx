"use client";
import {
  ArrowRight,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleSlash,
  type LucideIcon,
  RotateCcw,
  Undo2,
} from "lucide-react";
import Link from "next/link";
import type { JourneyItem } from "../../server/trpc/contract/runs.ts";
import { JsonValue } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { type Tone, textTone } from "../ui/tone.ts";
import { RelativeTime } from "../ui/values.tsx";
import { journeyFields, journeyWords } from "./journey-words.ts";

const looks: { [event: string]: { icon: LucideIcon; tone: Tone } } = {
  written: { icon: CircleCheck, tone: "ok" },
  undone: { icon: Undo2, tone: "warn" },
  failed: { icon: CircleAlert, tone: "bad" },
  dismissed: { icon: CircleSlash, tone: "idle" },
  replayed: { icon: RotateCcw, tone: "run" },
};

/** What happened to one record, oldest first, across flows. */
export function Journey({ items }: { items: JourneyItem[] }) {
  return (
    <ol className="flex flex-col">
      {items.map((item, index) => {
        const { icon: Icon, tone } = looks[item.event] ?? { icon: CircleDashed, tone: "idle" as const };
        const fields = journeyFields(item);
        return (
          <li key={`${item.at} ${item.run} ${item.step} ${item.event}`} className="grid grid-cols-[20px_1fr] gap-2.5">
            <span className="flex flex-col items-center">
              <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", textTone[tone])} />
              {index < items.length - 1 && <span aria-hidden className="w-px flex-1 bg-line" />}
            </span>
            <div className="min-w-0 pb-4">
              <p className="flex flex-wrap items-baseline gap-x-2 text-work">
                <span className="font-medium text-ink">{journeyWords(item)}</span>
                <span className="text-muted">
                  <Link href={`/flows/${item.flow}`} className="rounded-mark hover:underline">
                    {item.flowName}
                  </Link>
                  , {item.step} ·{" "}
                  <Link href={`/runs/${item.run}`} className="rounded-mark hover:underline">
                    run {item.run}
                  </Link>{" "}
                  · <RelativeTime at={item.at} />
                </span>
              </p>
              {item.reason && (
                <p
                  className={cx(
                    "mt-0.5 text-work break-words",
                    item.event === "failed" ? "text-bad-text" : "text-muted",
                  )}
                >
                  {item.event === "failed" ? item.reason : `“${item.reason}”`}
                </p>
              )}
              {fields.length > 0 && (
                <ul className="mt-1 space-y-0.5">
                  {fields.slice(0, 12).map(({ field, before, after, changed }) => (
                    <li key={field} className="flex flex-wrap items-baseline gap-x-2">
                      <span className="font-mono text-caption text-muted">{field}</span>
                      {changed && (
                        <>
                          <JsonValue value={before} className="text-muted" />
                          <ArrowRight aria-label="became" className="size-3 self-center text-faint" />
                        </>
                      )}
                      <JsonValue value={after} className="text-ink" />
                    </li>
                  ))}
                  {fields.length > 12 && <li className="text-caption text-muted">{fields.length - 12} more fields</li>}
                </ul>
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
