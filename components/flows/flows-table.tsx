"use client";
import Link from "next/link";
import type { FlowSummary } from "../../server/trpc/contract/flows.ts";
import { formatNumber } from "../ui/format.ts";
import { Badge } from "../ui/pill.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { FlowHealthPill } from "./flow-health.tsx";
import { FlowMenu } from "./flow-menu.tsx";

const columns: Column<FlowSummary>[] = [
  {
    id: "name",
    header: "Flow",
    cell: (flow) => (
      <span className="flex min-w-0 items-center gap-2">
        <Link
          href={`/flows/${flow.id}`}
          title={flow.name}
          className="truncate rounded-mark font-medium text-ink hover:underline max-md:line-clamp-2 max-md:whitespace-normal"
        >
          {flow.name}
        </Link>
        {flow.draftChanged && flow.liveVersion !== null && <Badge>draft changed</Badge>}
      </span>
    ),
  },
  { id: "health", header: "Health", width: "132px", cell: (flow) => <FlowHealthPill health={flow.health} /> },
  {
    id: "why",
    header: "State",
    width: "27%",
    wideOnly: true,
    cell: (flow) => (
      <span className="text-muted" title={flow.healthText}>
        {flow.healthText}
      </span>
    ),
  },
  {
    id: "timing",
    header: "Timing",
    width: "164px",
    wideOnly: true,
    cell: (flow) => (
      <span className="text-muted" title={flow.timing}>
        {flow.timing}
      </span>
    ),
  },
  {
    id: "next",
    header: "Next run",
    width: "104px",
    wideOnly: true,
    cell: (flow) =>
      flow.nextRunAt && !flow.paused ? (
        <RelativeTime ahead at={flow.nextRunAt} className="text-muted" />
      ) : (
        <span className="text-faint">–</span>
      ),
  },
  {
    id: "last",
    header: "Last run",
    width: "104px",
    wideOnly: true,
    cell: ({ lastRun }) =>
      lastRun ? (
        <Link href={`/runs/${lastRun.id}`} className="rounded-mark text-muted hover:underline">
          <RelativeTime at={lastRun.startedAt ?? lastRun.createdAt} />
        </Link>
      ) : (
        <span className="text-faint">never</span>
      ),
  },
  {
    id: "failed",
    header: "Failed",
    width: "76px",
    align: "right",
    cell: (flow) =>
      flow.openLetters > 0 ? (
        <Link
          href={`/failed?flow=${encodeURIComponent(flow.id)}`}
          className="rounded-mark font-medium text-bad-text hover:underline"
        >
          {formatNumber(flow.openLetters)}
        </Link>
      ) : (
        <span className="text-faint">0</span>
      ),
  },
  {
    id: "more",
    header: <span className="sr-only">More</span>,
    width: "52px",
    align: "right",
    cell: (flow) => <FlowMenu flow={flow} />,
  },
];

export function FlowsTable({
  flows,
  short,
  keys,
}: {
  flows: FlowSummary[] /** without the columns a summary can do without */;
  short?: boolean;
  keys?: boolean;
}) {
  // With a menu in each row a phone has no room for both the count and the name; the health tells of failures too.
  const shown = short
    ? columns
        .filter(({ id }) => !["timing", "next", "more"].includes(id))
        .map((column) => (column.id === "why" ? { ...column, width: "36%" } : column))
    : columns.map((column) => (column.id === "failed" ? { ...column, wideOnly: true } : column));
  return (
    <Table
      label="Flows"
      columns={shown}
      rows={flows}
      rowKey={({ id }) => id}
      href={({ id }) => `/flows/${id}`}
      keys={keys}
    />
  );
}
