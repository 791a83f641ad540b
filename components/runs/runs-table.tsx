"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import type { RunSummary } from "../../server/trpc/contract/runs.ts";
import { cx } from "../ui/cx.ts";
import { formatNumber, formatSpan } from "../ui/format.ts";
import { type Column, Table } from "../ui/table.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { RunState } from "./run-state.tsx";
import { runShort, settled, triggerWords, written } from "./run-words.ts";

const failed = (run: RunSummary) =>
  run.kind === "undo" ? run.undoCounts.failed + run.undoCounts.conflict : run.counts.dead;
const done = (run: RunSummary) => (run.kind === "undo" ? run.undoCounts.restored : written(run.counts));
const read = (run: RunSummary) => (run.kind === "undo" ? run.undoCounts.read : run.counts.read);

const columns: Column<RunSummary>[] = [
  {
    id: "run",
    header: "Run",
    width: "104px",
    wideOnly: true,
    cell: (run) => <RunLink run={run} />,
  },
  {
    id: "flow",
    header: "Flow",
    cell: (run) => (
      <>
        <span title={run.flowName}>{run.flowName}</span>
        <span className="block truncate text-caption text-muted md:hidden">
          <RunLink run={run} /> · <RelativeTime at={run.startedAt ?? run.createdAt} />
        </span>
      </>
    ),
  },
  { id: "state", header: "State", width: "156px", cell: (run) => <RunState run={run} /> },
  { id: "read", header: "Read", width: "84px", align: "right", wideOnly: true, cell: (run) => formatNumber(read(run)) },
  {
    id: "written",
    header: "Written",
    width: "84px",
    align: "right",
    wideOnly: true,
    cell: (run) => <span className={cx(run.mode === "dry" && "text-dry-text")}>{formatNumber(done(run))}</span>,
  },
  {
    id: "failed",
    header: "Failed",
    width: "76px",
    align: "right",
    wideOnly: true,
    cell: (run) => (
      <span className={failed(run) > 0 ? "font-medium text-bad-text" : "text-faint"}>{formatNumber(failed(run))}</span>
    ),
  },
  {
    id: "by",
    header: "Started",
    width: "156px",
    wideOnly: true,
    cell: (run) => (
      <span className="text-muted" title={triggerWords(run)}>
        {triggerWords(run)}
      </span>
    ),
  },
  {
    id: "at",
    header: "When",
    width: "112px",
    wideOnly: true,
    cell: (run) => <RelativeTime at={run.startedAt ?? run.createdAt} className="text-muted" />,
  },
  {
    id: "took",
    header: "Took",
    width: "104px",
    align: "right",
    wideOnly: true,
    cell: (run) => <span className="text-muted">{took(run)}</span>,
  },
];

function RunLink({ run }: { run: RunSummary }) {
  return (
    <Link
      href={`/runs/${run.id}`}
      className={cx("rounded-mark font-medium hover:underline", run.mode === "dry" ? "text-dry-text" : "text-ink")}
    >
      {runShort(run)}
    </Link>
  );
}

/** Runs, newest first. On a phone number and time stand below the flow's name. */
export function RunsTable({
  runs,
  footer,
  keys,
  label = "Runs",
}: {
  runs: RunSummary[];
  footer?: ReactNode;
  keys?: boolean;
  label?: string;
}) {
  return (
    <Table
      label={label}
      columns={columns}
      rows={runs}
      rowKey={(run) => run.id}
      href={(run) => `/runs/${run.id}`}
      footer={footer}
      keys={keys}
    />
  );
}

function took(run: RunSummary): string {
  if (run.startedAt && run.finishedAt) return formatSpan(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
  const total = read(run);
  return run.state === "running" && total > 0 ? `${formatNumber(settled(run))} so far` : "–";
}
