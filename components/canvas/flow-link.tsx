"use client";
import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getBezierPath } from "@xyflow/react";
import { memo } from "react";
import { cx } from "../ui/cx.ts";
import { formatNumber } from "../ui/format.ts";
import type { FlowEdge } from "./to-react-flow.ts";

/** A link: its port where there is a choice, how many records went along, and the records themselves while a run goes on. */
export const FlowLink = memo(function FlowLink(props: EdgeProps<FlowEdge>) {
  const [path, labelX, labelY] = getBezierPath(props);
  const { count = null, title = "", run = null, aimed = false } = props.data ?? {};
  const lit = props.selected || aimed;
  const moving = run?.running && count !== null && count > 0;
  const label = [title, count === null ? "" : formatNumber(count)].filter(Boolean).join(" · ");
  const colour = lit ? "var(--color-accent)" : run?.dry && count ? "var(--color-dry)" : "var(--color-faint)";
  return (
    <>
      <BaseEdge
        id={props.id}
        path={path}
        markerEnd={props.markerEnd}
        interactionWidth={24}
        style={{ stroke: colour, strokeWidth: aimed ? 4 : lit ? 2 : 1.5 }}
      />
      {moving && (
        <path
          d={path}
          fill="none"
          strokeWidth={3}
          strokeLinecap="round"
          strokeDasharray="0.1 14"
          className="animate-[records-flow_900ms_linear_infinite] motion-reduce:hidden"
          style={{ stroke: run?.dry ? "var(--color-dry)" : "var(--color-run)" }}
        />
      )}
      {label && (
        <EdgeLabelRenderer>
          <div
            className={cx(
              "pointer-events-none absolute rounded-full border border-line bg-surface px-1.5 text-[11px] leading-4 tabular-nums",
              run?.dry && count ? "text-dry-text" : "text-muted",
            )}
            style={{ transform: `translate(-50%, -115%) translate(${labelX}px, ${labelY}px)` }}
          >
            {label}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
