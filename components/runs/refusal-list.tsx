"use client";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
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

/**
 * Records an undo did not put back: why, and field by field what the run wrote, what is there now and what it would be.
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
      cell: (change) => (
        <>
          <span className="font-mono text-caption">{change.key}</span>
          <div className="mt-0.5 space-y-1 md:hidden">
            <Why change={change} />
            <Now change={change} />
          </div>
        </>
      ),
    },
    { id: "why", header: "Why it stays", width: "240px", wideOnly: true, cell: (change) => <Why change={change} /> },
    { id: "now", header: "What was changed", width: "50%", wideOnly: true, cell: (change) => <Now change={change} /> },
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

/** In a few words; the system's own sentence only where no fields beside it say the same. */
function Why({ change: { undo, before, operation, refusal } }: { change: ChangeItem }) {
  const came = operation === "update" && before !== null && undo === "conflict";
  const short =
    undo !== "conflict"
      ? "The target could not put it back"
      : before === null
        ? "Somebody removed it since"
        : came || operation === "delete"
          ? "Somebody changed it since"
          : "Somebody made it anew since";
  return (
    <>
      {short}
      {refusal?.fields.length === 0 && <span className="block text-caption text-muted">{refusal.message}</span>}
    </>
  );
}

/** Field by field: what the run wrote, what somebody made of it, and what it would be put back to. */
function Now({ change: { before: now, after: old, undo, refusal } }: { change: ChangeItem }) {
  if (undo === "conflict" && now === null)
    return <span className="text-muted italic">nothing; the record is gone</span>;
  const fields = refusal?.fields ?? [];
  if (fields.length === 0) return null;
  return (
    <ul className="space-y-1">
      {fields.slice(0, 8).map(({ field, ...values }) => (
        <li key={field}>
          <span className="font-mono text-caption text-muted">{field}</span>
          <dl className="grid grid-cols-[auto_1fr] gap-x-2 text-caption">
            <Value what="the run wrote" value={values.wrote} known={"wrote" in values} />
            <Value what="is now" value={values.now} known={"now" in values} strong />
            <Value what="would be" value={values.old} known={"old" in values} />
          </dl>
        </li>
      ))}
      {fields.length > 8 && <li className="text-caption text-muted">{fields.length - 8} more fields</li>}
      {old === null && <li className="text-caption text-muted">Put back, the record would be taken away.</li>}
    </ul>
  );
}

function Value({ what, value, known, strong }: { what: string; value: unknown; known: boolean; strong?: boolean }) {
  if (!known) return null;
  return (
    <>
      <dt className="text-muted">{what}</dt>
      <dd>
        <JsonValue value={value} className={strong ? "text-ink" : "text-muted"} />
      </dd>
    </>
  );
}
