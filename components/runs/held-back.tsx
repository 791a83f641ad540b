import { Hourglass, UserCheck } from "lucide-react";
import Link from "next/link";
import type { RunDetail } from "../server/trpc.ts";
import { ButtonLink } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";

/** What of an ended run still waits, for what, and where somebody can let it go on. */
export function HeldBack({ run: { flowId, holding } }: { run: Pick<RunDetail, "flowId" | "holding"> }) {
  const { parked, approvals, waits, nextAt } = holding;
  const records = (value: number) => `${count(value, "record")} ${value === 1 ? "waits" : "wait"}`;
  return (
    <>
      {parked > 0 && (
        <Notice
          tone="warn"
          icon={Hourglass}
          action={
            <ButtonLink href={`/failed?flow=${encodeURIComponent(flowId)}`}>Failed records of this flow</ButtonLink>
          }
        >
          {records(parked)} behind an earlier one of the same key, so that their order is kept. They go on by themselves
          when that one is replayed, dismissed or let through.
        </Notice>
      )}
      {approvals > 0 && (
        <Notice tone="warn" icon={UserCheck} action={<ButtonLink href="/approvals">Open the approvals</ButtonLink>}>
          {records(approvals)} until somebody says yes or no.
        </Notice>
      )}
      {waits > 0 && (
        <Notice tone="run" icon={Hourglass}>
          {records(waits)} as the flow asks; {waits === 1 ? "it goes on" : "the first goes on"}{" "}
          {nextAt === null ? "by itself" : <RelativeTime ahead at={nextAt} />}, in a run of its own. When one does, it
          is in the <Link href={`/runs?flow=${encodeURIComponent(flowId)}`}>runs of this flow</Link>.
        </Notice>
      )}
    </>
  );
}
