"use client";
import type { Shape } from "../../../engine/steps/define-step.ts";
import type { PreviewAt } from "../../../server/trpc/contract/flows.ts";
import { JsonValue } from "../../ui/code.tsx";
import { useEditor } from "../editor-context.tsx";
import { flatFields } from "../field-options.ts";
import { usePreview } from "../use-preview.ts";

/** The fields at a step with their types and the values of the sample that is looked at. */
export function FieldList({ stepId, shape, side }: { stepId: string; shape: Shape; side: "before" | "after" }) {
  const { flow, sample } = useEditor();
  const preview = usePreview(flow, stepId);
  const items = (preview.data ?? []) as PreviewAt[];
  const record = items[Math.min(sample, items.length - 1)]?.[side];
  if (shape.fields.length === 0)
    return (
      <p className="text-work text-muted">
        {shape.open ? "Any field may arrive; nothing is known of them yet." : "None."}
      </p>
    );
  return (
    <ul className="divide-y divide-line rounded-control border border-line">
      {flatFields(shape.fields).map(({ path, field, depth }) => (
        <li key={path} className="flex items-baseline gap-2 px-2 py-1" style={{ paddingLeft: 8 + depth * 12 }}>
          <span className="min-w-0 flex-1 truncate font-mono text-caption text-ink" title={path}>
            {field.name}
            {field.key && <span className="text-faint"> key</span>}
          </span>
          <span className="shrink-0 text-caption text-faint">{field.type}</span>
          <span className="w-24 shrink-0 truncate text-right">
            {record && depth === 0 && field.name in record ? <JsonValue value={record[field.name]} /> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}
