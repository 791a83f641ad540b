"use client";
import Link from "next/link";
import type { DeadLetterGroup } from "../../server/trpc/contract/runs.ts";
import { readReason } from "../failed/reason.ts";
import type { RunDetail } from "../server/trpc.ts";
import { formatNumber } from "../ui/format.ts";
import { type Column, Table } from "../ui/table.tsx";
import { stepTitle } from "./steps-of.ts";

/** What failed in this run, by reason. A live group leads to its records; what a dry run foresees stays here. */
export function FailedGroups({ run }: { run: RunDetail }) {
  const dry = run.mode === "dry";
  const columns: Column<DeadLetterGroup>[] = [
    {
      id: "count",
      header: dry ? "Would fail" : "Failed",
      width: "92px",
      align: "right",
      cell: (group) => <span className="font-medium text-bad-text">{formatNumber(group.count)}</span>,
    },
    {
      id: "reason",
      header: "Reason",
      cell: (group) =>
        dry ? (
          <span>{readReason(group.reason).text}</span>
        ) : (
          <Link
            href={`/failed?group=${encodeURIComponent(group.id)}`}
            className="rounded-mark text-ink hover:underline"
          >
            {readReason(group.reason).text}
          </Link>
        ),
    },
    { id: "step", header: "Step", width: "22%", wideOnly: true, cell: (group) => stepTitle(run.document, group.step) },
    {
      id: "field",
      header: "Field",
      width: "16%",
      wideOnly: true,
      cell: (group) =>
        group.field ? (
          <span className="font-mono text-caption">{group.field}</span>
        ) : (
          <span className="text-faint">–</span>
        ),
    },
  ];
  return (
    <Table
      label={dry ? "What would fail, by reason" : "What failed, by reason"}
      columns={columns}
      rows={run.letterGroups}
      rowKey={(group) => group.id}
      href={dry ? undefined : (group) => `/failed?group=${encodeURIComponent(group.id)}`}
      keys={false}
      tall
    />
  );
}
