"use client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Play, Undo2 } from "lucide-react";
import { useState } from "react";
import type { RunKind, RunSummary } from "../../server/trpc/contract/runs.ts";
import { useLive } from "../server/live.tsx";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { FilterChip, useUrlValue } from "../ui/filters.tsx";
import { count } from "../ui/format.ts";
import { Page, PageHeader } from "../ui/page.tsx";
import { EmptyState } from "../ui/states.tsx";
import { runStates } from "./run-state.tsx";
import { RunsTable } from "./runs-table.tsx";
import { UndoSinceDialog } from "./undo-since-dialog.tsx";

const stateOptions = Object.entries(runStates).map(([value, { word }]) => ({ value, label: word }));
const kindOptions = [
  { value: "flow", label: "Of a flow" },
  { value: "replay", label: "Replay" },
  { value: "undo", label: "Undo" },
];

export function RunsPage() {
  const trpc = useTRPC();
  const [state, setState] = useUrlValue("state");
  const [kind, setKind] = useUrlValue("kind");
  const [flowId, setFlow] = useUrlValue("flow");
  const flows = useQuery(trpc.flows.list.queryOptions({}));
  const runs = useInfiniteQuery(
    trpc.runs.list.infiniteQueryOptions(
      {
        limit: 100,
        state: stateOptions.some((option) => option.value === state) ? (state as RunSummary["state"]) : undefined,
        kind: kindOptions.some((option) => option.value === kind) ? (kind as RunKind) : undefined,
        flowId: flowId ?? undefined,
      },
      { getNextPageParam: (page) => page.next ?? undefined },
    ),
  );
  // Counts of running runs come with each event; the list itself is asked again only now and then.
  const [live, setLive] = useState<{ [run: string]: Partial<RunSummary> }>({});
  useLive((event) => {
    if (event.type !== "run") return;
    const { restored = 0, conflict = 0, failed = 0, ...counts } = event.counts;
    setLive((old) => ({
      ...old,
      [event.runId]: { state: event.state, counts, undoCounts: { read: counts.read, restored, conflict, failed } },
    }));
  });
  const filtered = Boolean(state || kind || flowId);
  const none = !filtered && runs.data?.pages[0]?.items.length === 0;
  const mayOperate = useMay("operator");
  const [undoing, setUndoing] = useState(false);
  const flow = flows.data?.find(({ id }) => id === flowId);
  return (
    <Page>
      <PageHeader
        title="Runs"
        sentence="Every time a flow ran, was tried, replayed or undone, and what became of each record."
        actions={
          mayOperate &&
          flow &&
          flow.liveVersion !== null && (
            <Button icon={Undo2} onClick={() => setUndoing(true)}>
              Undo everything since…
            </Button>
          )
        }
      />
      {!none && (
        <div className="mb-3 flex flex-wrap gap-2">
          <FilterChip label="State" options={stateOptions} value={state} onChange={setState} />
          <FilterChip
            label="Flow"
            options={(flows.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={flowId}
            onChange={setFlow}
          />
          <FilterChip label="Kind" options={kindOptions} value={kind} onChange={setKind} />
        </div>
      )}
      <Loaded query={runs} what="The runs could not be loaded">
        {({ pages }) => {
          const items = pages
            .flatMap((page) => page.items)
            .map((run) => (run.finishedAt ? run : { ...run, ...live[run.id] }));
          if (items.length === 0) {
            return (
              <EmptyState
                icon={Play}
                title={filtered ? "No run matches these filters" : "Nothing has run yet"}
                action={filtered ? null : <ButtonLink href="/flows">Go to the flows</ButtonLink>}
              >
                {filtered
                  ? "Take a filter away to see more."
                  : "Open a flow and press “Try it”: it reads real data and writes nothing."}
              </EmptyState>
            );
          }
          const more = runs.hasNextPage && (
            <Button onClick={() => runs.fetchNextPage()} busy={runs.isFetchingNextPage}>
              Show {count(100, "older run")}
            </Button>
          );
          return <RunsTable runs={items} footer={more || undefined} />;
        }}
      </Loaded>
      {undoing && flow && <UndoSinceDialog flow={flow} onClose={() => setUndoing(false)} />}
    </Page>
  );
}
