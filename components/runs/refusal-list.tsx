"use client";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { ChangeItem } from "../../server/trpc/contract/runs.ts";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { type RunDetail, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { JsonValue } from "../ui/code.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { count, shortTime } from "../ui/format.ts";
import { type Column, Table } from "../ui/table.tsx";
import { Checkbox } from "../ui/toggles.tsx";
import { differingFields } from "./changes.ts";

/**
 * Records an undo did not put back: why, and what is there now beside what the run had written.
 * @param mayForce lets a person choose some and put them back all the same, over what was changed since
 */
export function RefusalList({ undo, mayForce }: { undo: RunDetail; mayForce?: boolean }) {
  const trpc = useTRPC();
  const router = useRouter();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const refused = useInfiniteQuery(
    trpc.runs.changes.infiniteQueryOptions(
      { runId: undo.id, refused: true, limit: 100 },
      { getNextPageParam: (page) => page.next ?? undefined },
    ),
  );
  const forced = {
    ...sayFailure("The records could not be put back"),
    onSuccess: ({ id }: { id: string }) => router.push(`/runs/${id}`),
  };
  const forceRun = useMutation(trpc.runs.undo.mutationOptions(forced));
  const forceSince = useMutation(trpc.runs.undoSince.mutationOptions(forced));
  const force = () => {
    const choice = { preview: false, records: [...chosen], onConflict: "force" as const };
    if (undo.parentId !== null) forceRun.mutate({ ...choice, runId: undo.parentId });
    else if (undo.since !== null) forceSince.mutate({ ...choice, flowId: undo.flowId, since: undo.since });
  };
  const choose: Column<ChangeItem> = {
    id: "choose",
    header: <span className="sr-only">Choose</span>,
    width: "40px",
    cell: ({ key, undo: state }) => (
      <Checkbox
        label={`Choose ${key}`}
        checked={chosen.has(key)}
        disabled={state !== "conflict"}
        onChange={(on) => {
          const next = new Set(chosen);
          if (on) next.add(key);
          else next.delete(key);
          setChosen(next);
        }}
      />
    ),
  };
  const columns: Column<ChangeItem>[] = [
    ...(mayForce ? [choose] : []),
    {
      id: "key",
      header: "Record",
      width: "150px",
      cell: ({ key }) => <span className="font-mono text-caption">{key}</span>,
    },
    { id: "why", header: "Why it stays", width: "210px", cell: (change) => why(change) },
    {
      id: "now",
      header: undo.parentId === null ? "It is now → it was then" : "The run wrote → it is now",
      cell: (change) => <Now change={change} parentId={undo.parentId} />,
    },
  ];
  const before = undo.since === null ? `before run ${undo.parentId}` : `at ${shortTime(undo.since)}`;
  const it = chosen.size === 1 ? "it" : "them";
  return (
    <div>
      {mayForce && (
        <div className="mb-2 flex items-center justify-end">
          <Button disabled={chosen.size === 0} onClick={() => setAsking(true)}>
            {chosen.size === 0 ? "Put back all the same…" : `Put back ${count(chosen.size, "record")} all the same…`}
          </Button>
        </div>
      )}
      <Loaded query={refused} what="What stayed could not be loaded">
        {({ pages }) => (
          <Table
            label="What stays as it is"
            columns={columns}
            rows={pages.flatMap((page) => page.items)}
            rowKey={(change) => change.id}
            tall
            keys={false}
            minWidth="640px"
            footer={
              refused.hasNextPage && (
                <Button onClick={() => refused.fetchNextPage()} busy={refused.isFetchingNextPage}>
                  Show 100 more
                </Button>
              )
            }
          />
        )}
      </Loaded>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        danger
        busy={forceRun.isPending || forceSince.isPending}
        title={`${count(chosen.size, "record")} ${chosen.size === 1 ? "goes back to what it was" : "go back to what they were"} ${before}`}
        action={`Put back ${count(chosen.size, "record")}`}
        onConfirm={force}
      >
        What somebody changed in {it} since is overwritten. This is an undo of its own and can be undone too.
      </ConfirmDialog>
    </div>
  );
}

function why({ undo, before }: ChangeItem): string {
  if (undo !== "conflict") return "The target could not put it back";
  return before === null ? "Somebody removed it since" : "Somebody changed it since";
}

/**
 * Field by field, what the run wrote and what is there instead; of an undo of all runs since a moment, what is there and
 * what it was then. Only fields that differ.
 */
function Now({ change, parentId }: { change: ChangeItem; parentId: string | null }) {
  const { key, step, before: now } = change;
  const trpc = useTRPC();
  const options = trpc.runs.changes.queryOptions({ runId: parentId ?? "", search: key.slice(0, 200), limit: 20 });
  const written = useQuery({ ...options, enabled: parentId !== null, staleTime: Number.POSITIVE_INFINITY });
  if (now === null) return <span className="text-muted italic">nothing; the record is gone</span>;
  const wrote = written.data?.items.findLast((item) => item.key === key && item.step === step)?.after ?? null;
  const [after, then] = parentId === null ? [now, change.after ?? {}] : [wrote, now];
  const fields = differingFields(after, then);
  return (
    <ul className="space-y-0.5">
      {fields.slice(0, 8).map((field) => (
        <li key={field} className="flex flex-wrap items-baseline gap-x-2">
          <span className="font-mono text-caption text-muted">{field}</span>
          {after && <JsonValue value={after[field]} className="text-muted line-through decoration-faint" />}
          <JsonValue value={then[field]} className="text-ink" />
        </li>
      ))}
      {fields.length > 8 && <li className="text-caption text-muted">{fields.length - 8} more fields</li>}
    </ul>
  );
}
