"use client";
import type { FieldMapping } from "../../engine/mapping/field-mapping.ts";
import { FunctionChip } from "./function-chip.tsx";
import { moveFunction, putFunction, removeFunction } from "./mapping-edits.ts";

/** The functions of a rule in the order they are done. */
export function Chips({
  rule,
  onChange,
  readOnly,
}: {
  rule: FieldMapping;
  onChange: (rule: FieldMapping) => void;
  readOnly: boolean;
}) {
  const apply = rule.apply ?? [];
  return apply.map((item, index) => (
    <FunctionChip
      // biome-ignore lint/suspicious/noArrayIndexKey: functions of a chain have no identity but their place
      key={index}
      item={item}
      index={index}
      length={apply.length}
      target={rule.to}
      readOnly={readOnly}
      onChange={(next) => onChange(putFunction(rule, next, index))}
      onMove={(by) => onChange(moveFunction(rule, index, by))}
      onRemove={() => onChange(removeFunction(rule, index))}
    />
  ));
}
