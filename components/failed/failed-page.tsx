"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import type { DeadLetterGroup } from "../../server/trpc/contract/runs.ts";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { cx } from "../ui/cx.ts";
import { FilterChip, useUrlValue } from "../ui/filters.tsx";
import { count, formatNumber } from "../ui/format.ts";
import { Page, PageHeader } from "../ui/page.tsx";
import { EmptyState } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { LetterDialog } from "./letter-dialog.tsx";
import { Letters } from "./letters.tsx";
import { readReason } from "./reason.ts";

const stateOptions = [
  { value: "replaying", label: "Being replayed" },
  { value: "resolved", label: "Replayed and done" },
  { value: "dismissed", label: "Dismissed" },
];

/** Groups by what is wrong on the left, their records on the right. */
export function FailedPage() {
  const trpc = useTRPC();
  const [flowId, setFlow] = useUrlValue("flow");
  const [state, setState] = useUrlValue("state");
  const [groupId, setGroup] = useUrlValue("group");
  const [letterId, setLetter] = useUrlValue("letter");
  const flows = useQuery(trpc.flows.list.queryOptions({}));
  const groups = useQuery(trpc.letters.groups.queryOptions({ flowId: flowId ?? undefined }));
  const total = (groups.data ?? []).reduce((sum, group) => sum + group.count, 0);
  const closed = stateOptions.some(({ value }) => value === state) ? state : null;
  return (
    <Page>
      <PageHeader
        title="Failed records"
        sentence={
          groups.data &&
          (total === 0
            ? "Every record has arrived or was dealt with."
            : `${count(total, "record")} could not be written, for ${count(groups.data.length, "reason")}. They wait until somebody corrects, replays or dismisses them.`)
        }
      />
      <div className="mb-3 flex flex-wrap gap-2">
        <FilterChip
          label="Flow"
          options={(flows.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={flowId}
          onChange={setFlow}
        />
        <FilterChip label="State" options={stateOptions} value={closed} onChange={setState} />
      </div>
      {closed ? (
        <Letters state={closed} flowId={flowId} group={null} onOpen={setLetter} />
      ) : (
        <Loaded query={groups} what="The failed records could not be loaded">
          {(all) => {
            if (all.length === 0) {
              return (
                <EmptyState icon={CircleCheck} title="Nothing waits for you here">
                  {flowId
                    ? "No record of this flow failed."
                    : "When a record is refused by a check or a target, it comes here with the reason. Others go on."}
                </EmptyState>
              );
            }
            const shown = all.find((group) => group.id === groupId) ?? all[0]!;
            return (
              <div className="grid items-start gap-4 lg:grid-cols-[320px_1fr]">
                <GroupList groups={all} shown={shown} onChoose={setGroup} />
                <Letters key={shown.id} group={shown} flowId={flowId} onOpen={setLetter} />
              </div>
            );
          }}
        </Loaded>
      )}
      {letterId && <LetterDialog key={letterId} id={letterId} onClose={() => setLetter(null)} />}
    </Page>
  );
}

function GroupList({
  groups,
  shown,
  onChoose,
}: {
  groups: DeadLetterGroup[];
  shown: DeadLetterGroup;
  onChoose: (id: string) => void;
}) {
  return (
    <nav aria-label="Reasons" className="thin-scroll max-lg:max-h-72 max-lg:overflow-y-auto">
      <ul className="flex flex-col gap-1">
        {groups.map((group) => {
          const here = group.id === shown.id;
          return (
            <li key={group.id}>
              <button
                type="button"
                aria-current={here ? "true" : undefined}
                onClick={() => onChoose(group.id)}
                className={cx(
                  "grid w-full grid-cols-[1fr_auto] gap-x-3 rounded-card border px-3 py-2 text-left transition-colors",
                  here ? "border-accent bg-surface" : "border-transparent hover:bg-hover",
                )}
              >
                <span className="line-clamp-3 text-work text-ink">{readReason(group.reason).text}</span>
                <span className="text-body font-semibold text-bad-text tabular-nums">{formatNumber(group.count)}</span>
                <span className="col-span-2 mt-0.5 truncate text-caption text-muted">
                  {readReason(group.reason).step ?? group.step}
                  {group.field && ` · ${group.field}`} · <RelativeTime at={group.lastSeen} />
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
