"use client";
import { useQuery } from "@tanstack/react-query";
import { Cable, Plus } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { ConnectionSummary } from "../../server/trpc/contract/connections.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { FilterChip, useUrlValue } from "../ui/filters.tsx";
import { SearchInput } from "../ui/input.tsx";
import { Page, PageHeader } from "../ui/page.tsx";
import { byName } from "../ui/sort.ts";
import { EmptyState } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Tile } from "../ui/tile.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { ConnectionPage } from "./connection-page.tsx";
import { ConnectionStatePill } from "./connection-state.tsx";
import { NewConnection } from "./new-connection.tsx";
import { OutageNotice } from "./outage-notice.tsx";
import { withoutName } from "./outage-words.ts";

const stateOptions = [
  { value: "ok", label: "Answers" },
  { value: "unreachable", label: "Does not answer" },
  { value: "refused", label: "Refuses us" },
  { value: "unchecked", label: "Not checked" },
];

/** The list, or with `?connection=` one of them. */
export function ConnectionsPage() {
  const [chosen] = useUrlValue("connection");
  return chosen ? <ConnectionPage key={chosen} id={chosen} /> : <List />;
}

function List() {
  const trpc = useTRPC();
  const router = useRouter();
  const mayBuild = useMay("builder");
  const [state, setState] = useUrlValue("state");
  const [adding, setAdding] = useUrlValue("new");
  const [search, setSearch] = useState("");
  const connections = useQuery(trpc.connections.list.queryOptions());
  const connectors = useQuery(trpc.connections.connectors.queryOptions());
  const none = connections.data?.length === 0;
  const markOf = (id: string) =>
    connectors.data?.find((connector) => connector.id === id)?.mark ?? { letters: id.slice(0, 2), tint: "slate" };
  const columns: Column<ConnectionSummary>[] = [
    {
      id: "name",
      header: "Connection",
      cell: (connection) => (
        <span className="flex min-w-0 items-center gap-2.5">
          <Tile {...markOf(connection.connector)} />
          <Link
            href={`/connections?connection=${encodeURIComponent(connection.id)}`}
            className="truncate rounded-mark font-medium text-ink hover:underline"
          >
            {connection.name}
          </Link>
        </span>
      ),
    },
    {
      id: "system",
      header: "System",
      width: "150px",
      wideOnly: true,
      cell: (connection) => <span className="text-muted">{connection.connectorTitle}</span>,
    },
    {
      id: "state",
      header: "State",
      width: "152px",
      cell: (connection) => <ConnectionStatePill state={connection.state} />,
    },
    {
      id: "why",
      header: "What it said",
      wideOnly: true,
      cell: (connection) => (
        <span className="text-muted" title={connection.stateMessage ?? undefined}>
          {connection.state !== "ok" && withoutName(connection.stateMessage ?? "", connection.name)}
        </span>
      ),
    },
    {
      id: "used",
      header: "Used by",
      width: "180px",
      wideOnly: true,
      cell: ({ usedBy }) => (
        <span
          className={usedBy.length === 0 ? "text-faint" : "text-muted"}
          title={usedBy.map(({ name }) => name).join(", ")}
        >
          {usedBy.length === 0 ? "no flow" : usedBy.map(({ name }) => name).join(", ")}
        </span>
      ),
    },
    {
      id: "checked",
      header: "Checked",
      width: "120px",
      wideOnly: true,
      cell: ({ checkedAt }) =>
        checkedAt ? <RelativeTime at={checkedAt} className="text-muted" /> : <span className="text-faint">never</span>,
    },
  ];
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setAdding("1")}>
      New connection
    </Button>
  );
  return (
    <Page>
      <PageHeader
        title="Connections"
        sentence={<Sentence all={connections.data} />}
        actions={mayBuild && !none && add}
      />
      {!none && (
        <div className="mb-3 flex flex-wrap gap-2">
          <SearchInput label="Find a connection" value={search} onChange={setSearch} className="w-52 max-sm:w-full" />
          <FilterChip label="State" options={stateOptions} value={state} onChange={setState} />
        </div>
      )}
      <Loaded query={connections} what="The connections could not be loaded">
        {(all) => {
          const wanted = search.trim().toLowerCase();
          const shown = byName(all).filter(
            (connection) =>
              (!state || connection.state === state) &&
              `${connection.name} ${connection.connectorTitle}`.toLowerCase().includes(wanted),
          );
          if (shown.length === 0) {
            return (
              <EmptyState
                icon={Cable}
                title={none ? "No system is connected yet" : "No connection matches"}
                action={none && mayBuild && add}
              >
                {none
                  ? "A connection is how flows reach a database, a REST interface or a folder of files."
                  : "Empty the search or take the filter away to see more."}
              </EmptyState>
            );
          }
          return (
            <div className="flex flex-col gap-3">
              {shown.map(({ id, outage }) => outage && <OutageNotice key={id} outage={outage} />)}
              <Table
                label="Connections"
                columns={columns}
                rows={shown}
                rowKey={({ id }) => id}
                href={({ id }) => `/connections?connection=${encodeURIComponent(id)}`}
              />
            </div>
          );
        }}
      </Loaded>
      {adding && mayBuild && (
        <NewConnection
          names={(connections.data ?? []).map(({ name }) => name)}
          onClose={() => setAdding(null)}
          onCreated={(id) => router.replace(`/connections?connection=${encodeURIComponent(id)}&check=1`)}
        />
      )}
    </Page>
  );
}

function Sentence({ all }: { all: ConnectionSummary[] | undefined }) {
  if (!all) return "How flows reach other systems.";
  const broken = all.filter(({ state }) => state === "refused" || state === "unreachable");
  if (broken.length === 0) return "How flows reach other systems.";
  return broken.length === 1 ? `“${broken[0]?.name}” needs a look.` : `${broken.length} connections need a look.`;
}
