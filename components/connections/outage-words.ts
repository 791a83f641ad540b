import type { Outage } from "../../server/trpc/contract/connections.ts";
import { count, formatNumber, formatSpan } from "../ui/format.ts";

/** “Books is not answering since 14:02, 312 records are waiting, next try in 40 s.” */
export function outageSentence(
  { connectionName, since, waitingRuns, waitingRecords, nextTryAt }: Outage,
  now: Date,
  timeZone?: string,
): string {
  const at = new Date(since);
  const day = (date: Date) => new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeZone }).format(date);
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone }).format(at);
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone }).format(at);
  const parts = [`${connectionName} is not answering since ${day(at) === day(now) ? clock : `${date}, ${clock}`}`];
  if (waitingRecords > 0)
    parts.push(`${count(waitingRecords, "record")} ${waitingRecords === 1 ? "is" : "are"} waiting`);
  else if (waitingRuns > 0)
    parts.push(`${formatNumber(waitingRuns)} ${waitingRuns === 1 ? "run is" : "runs are"} waiting`);
  const aheadMs = nextTryAt === null ? null : Date.parse(nextTryAt) - now.getTime();
  if (aheadMs !== null)
    parts.push(
      aheadMs < 1_000 ? "trying now" : `next try in ${formatSpan(Math.ceil(aheadMs / 1000) * 1000).replace(".0", "")}`,
    );
  return `${parts.join(", ")}.`;
}

/** What a system said, where its connection is named already: “Shop”: Nothing answers → Nothing answers. */
export function withoutName(message: string, name: string): string {
  const start = [`“${name}”: `, `${name}: `].find((one) => message.startsWith(one));
  return start === undefined ? message : message.slice(start.length);
}
