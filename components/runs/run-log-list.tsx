"use client";
import Link from "next/link";
import type { RunDetail } from "../server/trpc.ts";
import { cx } from "../ui/cx.ts";
import { exactTime } from "../ui/format.ts";
import { Card } from "../ui/page.tsx";
import { textTone } from "../ui/tone.ts";
import { useNow } from "../ui/values.tsx";
import { runLog } from "./run-log.ts";

export function RunLog({ run }: { run: RunDetail }) {
  const known = useNow() !== null;
  return (
    <Card>
      <ol className="divide-y divide-line">
        {runLog(run).map((line) => (
          <li key={`${line.at} ${line.text}`} className="flex gap-4 px-3 py-2 max-sm:flex-col max-sm:gap-0">
            <time dateTime={line.at} className="w-52 shrink-0 text-caption leading-5 text-muted tabular-nums">
              {known && exactTime(line.at)}
            </time>
            <span className={cx("min-w-0 break-words", line.tone && textTone[line.tone])}>
              {line.href ? (
                <Link href={line.href} className="rounded-mark hover:underline">
                  {line.text}
                </Link>
              ) : (
                line.text
              )}
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}
