"use client";
import { Handle, type NodeProps, Position } from "@xyflow/react";
import { CircleAlert, CircleCheck, Hourglass } from "lucide-react";
import { memo } from "react";
import { cx } from "../ui/cx.ts";
import { count, formatNumber } from "../ui/format.ts";
import { Tile } from "../ui/tile.tsx";
import { stepLook } from "./step-look.ts";
import type { StepData, StepNode } from "./to-react-flow.ts";

const port =
  "size-3! rounded-full! border-2! border-surface! bg-edge! transition-colors hover:bg-accent! group-hover:bg-faint! pointer-coarse:size-5!";

/** A step as a card of 200 px: tint and icon, title, one line of what it does, its state. */
export const StepCard = memo(function StepCard({ data, selected }: NodeProps<StepNode>) {
  const { icon, tint } = stepLook(data.kind);
  const { problems = 0, problem } = data.mark;
  return (
    <div
      className={cx(
        "group w-50 rounded-card border bg-surface transition-shadow",
        selected ? "border-accent shadow-[0_0_0_1px_var(--color-accent)]" : "border-edge hover:border-faint",
        data.run?.dry && data.mark.counts && !selected && "border-dry",
      )}
      title={problem}
    >
      {data.takesIn && (
        <Handle type="target" id="in" position={Position.Left} className={port} title="Records arrive here" />
      )}
      <div className="flex items-center gap-2 px-3 pt-2.5">
        <Tile tint={tint} icon={icon} />
        <span className="min-w-0 flex-1 truncate text-work font-medium text-ink">{data.title}</span>
      </div>
      <p className="truncate px-3 pt-0.5 text-caption text-muted">{data.line}</p>
      <div className="mt-1.5 flex min-h-6 items-center border-t border-line px-3 py-0.5 text-caption tabular-nums">
        <State data={data} problems={problems} />
      </div>
      {data.ports.map(({ name, title }, index) => (
        <Handle
          key={name}
          type="source"
          id={name}
          position={Position.Right}
          title={title}
          style={{ top: `${((index + 1) / (data.ports.length + 1)) * 100}%` }}
          className={cx(port, name === "failed" && "bg-warn!")}
        />
      ))}
    </div>
  );
});

function State({ data, problems }: { data: StepData; problems: number }) {
  const { counts } = data.mark;
  if (problems > 0)
    return (
      <span className="flex items-center gap-1 font-medium text-bad-text">
        <CircleAlert aria-hidden className="size-3" />
        {count(problems, "problem")}
      </span>
    );
  if (!counts)
    return (
      <span className="flex items-center gap-1 text-faint">
        <CircleCheck aria-hidden className="size-3" />
        ready
      </span>
    );
  const failsDry = data.run?.dry && counts.dead > 0; // “would fail” needs the room
  const held = counts.held ?? 0;
  const passed = data.ports.length === 0 ? counts.in : counts.out;
  return (
    <span className={cx("flex min-w-0 gap-2", data.run?.dry ? "text-dry-text" : "text-muted")}>
      <span className="truncate">
        {data.takesIn && data.ports.length > 0 && `${failsDry ? "" : `${formatNumber(counts.in)} `}→ `}
        {formatNumber(passed)} {data.ports.length === 0 ? "in" : data.takesIn ? "" : "read"}
      </span>
      {counts.dead > 0 && (
        <span className="flex items-center gap-1 font-medium whitespace-nowrap text-bad-text">
          <CircleAlert aria-hidden className="size-3" />
          {formatNumber(counts.dead)} {data.run?.dry ? "would fail" : "failed"}
        </span>
      )}
      {held > 0 && counts.dead === 0 && (
        <span className="flex items-center gap-1 font-medium whitespace-nowrap text-warn-text">
          <Hourglass aria-hidden className="size-3" />
          {formatNumber(held)} {data.run?.dry ? "would be held" : "held"}
        </span>
      )}
    </span>
  );
}
