"use client";
import type { RunStepCounts } from "../../server/trpc/contract/runs.ts";
import type { RunDetail } from "../server/trpc.ts";
import { cx } from "../ui/cx.ts";
import { formatNumber } from "../ui/format.ts";
import { type Column, Table } from "../ui/table.tsx";
import { stepsOf } from "./steps-of.ts";

const counted: { id: keyof RunStepCounts & string; header: string; loud?: string }[] = [
  { id: "joined", header: "Joined" },
  { id: "created", header: "Created" },
  { id: "updated", header: "Updated" },
  { id: "deleted", header: "Deleted" },
  { id: "unchanged", header: "Unchanged" },
  { id: "filtered", header: "Filtered" },
  { id: "duplicate", header: "Duplicate" },
  { id: "held", header: "Held", loud: "text-warn-text font-medium" },
  { id: "dead", header: "Failed", loud: "text-bad-text font-medium" },
];

/** Each step adds up too: in + made = out + joined + ended here. Only what happened has a column. */
export function RunSteps({ run }: { run: RunDetail }) {
  const known = new Map(stepsOf(run.document).map((step) => [step.id, step]));
  const happened = counted.filter(({ id }) => run.steps.some((step) => Number(step[id]) > 0));
  const number = (value: number, loud?: string) => (
    <span className={cx(value === 0 ? "text-faint" : (loud ?? "text-ink"))}>{formatNumber(value)}</span>
  );
  const columns: Column<RunStepCounts>[] = [
    {
      id: "step",
      header: "Step",
      cell: (step) => <span className="font-medium text-ink">{known.get(step.id)?.title ?? step.id}</span>,
    },
    {
      id: "kind",
      header: "Kind",
      width: "90px",
      wideOnly: true,
      cell: (step) => <span className="text-muted">{known.get(step.id)?.kind}</span>,
    },
    { id: "in", header: "In", width: "clamp(64px, 19vw, 90px)", align: "right", cell: (step) => number(step.in) },
    ...(run.steps.some(({ made }) => Number(made) > 0)
      ? [
          {
            id: "made",
            header: "Made",
            width: "90px",
            align: "right",
            wideOnly: true,
            cell: (step) => number(Number(step.made)),
          } satisfies Column<RunStepCounts>,
        ]
      : []),
    {
      id: "out",
      header: "Out",
      width: "clamp(64px, 19vw, 90px)",
      align: "right",
      cell: (step) => <span title={portWords(step)}>{number(step.out)}</span>,
    },
    ...happened.map(
      ({ id, header, loud }): Column<RunStepCounts> => ({
        id,
        header,
        width: "clamp(64px, 19vw, 92px)",
        align: "right",
        wideOnly: id !== "dead",
        cell: (step) => number(Number(step[id]), loud),
      }),
    ),
  ];
  return (
    <Table
      label="Steps"
      columns={columns}
      rows={run.steps}
      rowKey={(step) => step.id}
      keys={false}
      minWidth={`${330 + happened.length * 92}px`}
    />
  );
}

/** “gold 12, basic 30” when a step has more than its plain port. */
function portWords({ ports }: RunStepCounts): string | undefined {
  const named = Object.entries(ports);
  return named.length > 1 ? named.map(([port, value]) => `${port} ${formatNumber(value)}`).join(", ") : undefined;
}
