"use client";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { DeadLetterItem } from "../../server/trpc/contract.ts";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { JsonValue } from "../ui/code.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { type Column, Table } from "../ui/table.tsx";
import { Checkbox } from "../ui/toggles.tsx";

/**
 * Records an undo did not put back: why, and what is there now beside what the run had written.
 * @param mayForce lets a person choose some and put them back all the same, over what was changed since
 */
export function RefusalList({ undo, mayForce }: { undo: RunDetail; mayForce?: boolean }) {
  const trpc = useTRPC();
  const router = useRouter();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const letters = useInfiniteQuery(
    trpc.runs.letters.infiniteQueryOptions(
      { runId: undo.id, limit: 100 },
      { getNextPageParam: (page) => page.next ?? undefined },
    ),
  );
  const force = useMutation(
    trpc.runs.undo.mutationOptions({
      ...sayFailure("The records could not be put back"),
      onSuccess: ({ id }) => router.push(`/runs/${id}`),
    }),
  );
  const choose: Column<DeadLetterItem> = {
    id: "choose",
    header: <span className="sr-only">Choose</span>,
    width: "40px",
    cell: ({ key }) => (
      <Checkbox
        label={`Choose ${key}`}
        checked={chosen.has(key)}
        onChange={(on) => {
          const next = new Set(chosen);
          if (on) next.add(key);
          else next.delete(key);
          setChosen(next);
        }}
      />
    ),
  };
  const columns: Column<DeadLetterItem>[] = [
    ...(mayForce ? [choose] : []),
    {
      id: "key",
      header: "Record",
      width: "150px",
      cell: ({ key }) => <span className="font-mono text-caption">{key}</span>,
    },
    { id: "why", header: "Why it stays", cell: ({ reason }) => reason },
    {
      id: "now",
      header: "The run wrote → it is now",
      width: "46%",
      cell: (letter) => <Now letter={letter} parentId={undo.parentId} />,
    },
  ];
  return (
    <div>
      {mayForce && (
        <div className="mb-2 flex items-center justify-end">
          <Button disabled={chosen.size === 0} onClick={() => setAsking(true)}>
            {chosen.size === 0 ? "Put back all the same…" : `Put back ${count(chosen.size, "record")} all the same…`}
          </Button>
        </div>
      )}
      <Loaded query={letters} what="The conflicts could not be loaded">
        {({ pages }) => (
          <Table
            label="What stays as it is"
            columns={columns}
            rows={pages.flatMap((page) => page.items)}
            rowKey={(letter) => letter.id}
            tall
            keys={false}
            minWidth="640px"
            footer={
              letters.hasNextPage && (
                <Button onClick={() => letters.fetchNextPage()} busy={letters.isFetchingNextPage}>
                  Show more
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
        busy={force.isPending}
        title={`${count(chosen.size, "record")} ${chosen.size === 1 ? "goes" : "go"} back to what ${chosen.size === 1 ? "it was" : "they were"} before run ${undo.parentId}`}
        action={`Put back ${count(chosen.size, "record")}`}
        onConfirm={() =>
          undo.parentId &&
          force.mutate({ runId: undo.parentId, preview: false, records: [...chosen], onConflict: "force" })
        }
      >
        What somebody changed in {chosen.size === 1 ? "it" : "them"} since is overwritten. This is an undo of its own
        and can be undone too.
      </ConfirmDialog>
    </div>
  );
}

/** Field by field, what the run wrote and what is there instead; only fields that differ. */
function Now({ letter, parentId }: { letter: DeadLetterItem; parentId: string | null }) {
  const trpc = useTRPC();
  const written = useQuery(
    trpc.runs.changes.queryOptions(
      { runId: parentId ?? "", search: letter.key.slice(0, 200), limit: 20 },
      { enabled: parentId !== null, staleTime: Number.POSITIVE_INFINITY },
    ),
  );
  const after = written.data?.items.find((change) => change.key === letter.key)?.after ?? null;
  if (Object.keys(letter.data).length === 0) return <span className="text-muted italic">the record is gone</span>;
  const fields = after
    ? Object.keys(after).filter((field) => JSON.stringify(after[field]) !== JSON.stringify(letter.data[field]))
    : Object.keys(letter.data);
  return (
    <ul className="space-y-0.5">
      {fields.slice(0, 8).map((field) => (
        <li key={field} className="flex flex-wrap items-baseline gap-x-2">
          <span className="font-mono text-caption text-muted">{field}</span>
          {after && <JsonValue value={after[field]} className="text-muted line-through decoration-faint" />}
          <JsonValue value={letter.data[field]} className="text-ink" />
        </li>
      ))}
    </ul>
  );
}
