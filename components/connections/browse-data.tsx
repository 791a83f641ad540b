"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { FileWarning, KeyRound, RefreshCw, Table2 } from "lucide-react";
import { useState } from "react";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { JsonValue } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { count, formatNumber } from "../ui/format.ts";
import { SearchInput } from "../ui/input.tsx";
import { Section } from "../ui/page.tsx";
import { EmptyState, Notice, Skeleton } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import type { Field, JsonRecord, StreamInfo } from "./data-types.ts";
import { WatchStream } from "./watch-stream.tsx";

/** What a connection holds: its streams, their fields, and the first rows. */
export function BrowseData({ connectionId }: { connectionId: string }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [refreshing, setRefreshing] = useState(false);
  const options = trpc.connections.offers.queryOptions({ id: connectionId });
  const offers = useQuery(options);
  const refresh = async () => {
    setRefreshing(true);
    const fresh = await queries
      .fetchQuery(trpc.connections.offers.queryOptions({ id: connectionId, refresh: true }))
      .catch(() => null);
    if (fresh) queries.setQueryData(options.queryKey, fresh);
    setRefreshing(false);
  };
  return (
    <Loaded
      query={offers}
      what="What this connection holds could not be read"
      skeleton={<Skeleton className="h-72 w-full" />}
    >
      {({ streams: all }) => {
        if (all.length === 0) {
          return (
            <EmptyState
              compact
              icon={Table2}
              title="There is nothing to read here"
              action={
                <Button icon={RefreshCw} onClick={refresh} busy={refreshing}>
                  Look again
                </Button>
              }
            >
              The connection answers, but offers no stream. Check its settings, or what its account may see.
            </EmptyState>
          );
        }
        const found = all.filter((stream) =>
          `${stream.title} ${stream.name}`.toLowerCase().includes(search.trim().toLowerCase()),
        );
        const shown = all.find((stream) => stream.name === chosen) ?? all[0]!;
        return (
          <div className="grid gap-4 md:grid-cols-[220px_1fr]">
            <div className="min-w-0">
              <div className="mb-2 flex gap-1.5">
                <SearchInput label="Find a stream" value={search} onChange={setSearch} className="min-w-0 flex-1" />
                <Button icon={RefreshCw} onClick={refresh} busy={refreshing} aria-label="Look again at what is there" />
              </div>
              <ul className="thin-scroll max-h-[60dvh] overflow-y-auto">
                {found.map((stream) => (
                  <li key={stream.name}>
                    <button
                      type="button"
                      aria-current={stream === shown ? "true" : undefined}
                      onClick={() => setChosen(stream.name)}
                      className={cx(
                        "flex h-8 w-full items-center gap-2 rounded-control px-2 text-left text-work pointer-coarse:h-11",
                        stream === shown ? "bg-accent-soft text-accent-text" : "text-ink hover:bg-hover",
                      )}
                    >
                      {stream.problem ? (
                        <FileWarning aria-label="cannot be read" className="size-3.5 shrink-0 text-bad-text" />
                      ) : (
                        <Table2 aria-hidden className="size-3.5 shrink-0" />
                      )}
                      <span className="truncate">{stream.title}</span>
                      {stream.estimate !== undefined && (
                        <span className="ml-auto text-caption text-muted tabular-nums">
                          {formatNumber(stream.estimate)}
                        </span>
                      )}
                    </button>
                  </li>
                ))}
                {found.length === 0 && <li className="px-2 py-1.5 text-work text-muted">Nothing is called that.</li>}
              </ul>
            </div>
            <Stream key={shown.name} connectionId={connectionId} stream={shown} />
          </div>
        );
      }}
    </Loaded>
  );
}

const fieldColumns: Column<Field>[] = [
  {
    id: "name",
    header: "Field",
    cell: (field) => (
      <span className="inline-flex items-center gap-1.5 font-mono text-caption">
        {field.name}
        {field.key && <KeyRound aria-label="part of the key" className="size-3 text-warn-text" />}
      </span>
    ),
  },
  { id: "type", header: "Type", width: "110px", cell: (field) => <span className="text-muted">{field.type}</span> },
  { id: "may", header: "Rules", width: "34%", cell: (field) => <span className="text-muted">{rules(field)}</span> },
];

function rules(field: Field): string {
  const said = [
    field.required ? "needed" : null,
    field.unique ? "unique" : null,
    field.maxLength ? `up to ${formatNumber(field.maxLength)} characters` : null,
    field.precision ? `${field.precision} digits${field.scale ? `, ${field.scale} after the point` : ""}` : null,
    field.options ? `one of ${field.options.slice(0, 4).join(", ")}${field.options.length > 4 ? " …" : ""}` : null,
    field.emptyShare ? `${Math.round(field.emptyShare * 100)} % empty` : null,
  ];
  return said.filter(Boolean).join(", ");
}

function Stream({ connectionId, stream }: { connectionId: string; stream: StreamInfo }) {
  const trpc = useTRPC();
  const mayBuild = useMay("builder");
  const rows = useQuery(
    trpc.connections.browse.queryOptions(
      { id: connectionId, stream: stream.name, limit: 25 },
      { enabled: mayBuild && !stream.problem, retry: false },
    ),
  );
  if (stream.problem) {
    return (
      <Notice tone="bad" icon={FileWarning}>
        {stream.problem.message}
      </Notice>
    );
  }
  const names = stream.fields.map((field) => field.name);
  return (
    <div className="flex min-w-0 flex-col gap-5">
      <WatchStream connectionId={connectionId} stream={stream} />
      <Section
        title={`${stream.title} · ${count(stream.fields.length, "field")}`}
        aside={stream.watermarks.length > 0 && `tells what changed by: ${stream.watermarks.join(", ")}`}
      >
        <Table
          label={`Fields of ${stream.title}`}
          columns={fieldColumns}
          rows={stream.fields}
          rowKey={(field) => field.name}
          keys={false}
          minWidth="420px"
        />
      </Section>
      {mayBuild && (
        <Section title="First rows">
          <Loaded query={rows} what={`Rows of ${stream.title} could not be read`}>
            {({ records }) => {
              if (records.length === 0) return <EmptyState compact icon={Table2} title="It holds no rows yet" />;
              const columns: Column<{ record: JsonRecord; place: number }>[] = (
                names.length > 0 ? names : Object.keys(records[0] ?? {})
              ).map((name) => ({
                id: name,
                header: <span className="font-mono">{name}</span>,
                cell: ({ record }) => <JsonValue value={record[name]} className="break-normal! whitespace-nowrap!" />,
              }));
              return (
                <Table
                  label={`First rows of ${stream.title}`}
                  columns={columns}
                  rows={records.map((record, place) => ({ record, place }))}
                  rowKey={({ place }) => String(place)}
                  keys={false}
                  minWidth={`${columns.length * 140}px`}
                />
              );
            }}
          </Loaded>
        </Section>
      )}
    </div>
  );
}
