"use client";
import { ChevronDown, CircleAlert, Sparkles } from "lucide-react";
import { memo } from "react";
import type { Field } from "../../connectors/sdk/types.ts";
import type { ChainItem, FieldMapping } from "../../engine/mapping/field-mapping.ts";
import type { Shape } from "../../engine/steps/define-step.ts";
import { JsonValue } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { Chips } from "./chips.tsx";
import { AddFunction } from "./function-menu.tsx";
import { putFunction } from "./mapping-edits.ts";
import type { Result } from "./results.ts";
import { RuleEditor } from "./rule-editor.tsx";

export type Target = { path: string; field: Field | undefined; required: boolean };

type Props = {
  target: Target;
  rule: FieldMapping | undefined;
  result: Result | undefined;
  problem: string | undefined;
  /** a source that fits by name, or a value the target names as the only one */
  suggestion: { from: string } | { value: string } | undefined;
  /** functions that make the source fit */
  fix: ChainItem[] | undefined;
  open: boolean;
  faded: boolean;
  aimed: boolean;
  readOnly: boolean;
  shape: Shape;
  onOpen: (path: string | null) => void;
  onChange: (rule: FieldMapping, typing?: string) => void;
  onRemove: (path: string) => void;
  onConnect: (from: string, to: string) => void;
  onLit: (path: string | null) => void;
  onDot: (path: string) => void;
};

/** A target field: its functions on the line, its type, what the sample becomes, or why it does not. */
export const TargetRow = memo(function TargetRow(props: Props) {
  const { target, rule, result, problem, open, faded, aimed, readOnly, onOpen, onChange, onLit, onDot } = props;
  const { path, field, required } = target;
  return (
    <li
      data-target={path}
      aria-label={path}
      className={cx("border-b border-line transition-opacity", faded && "opacity-35", aimed && "bg-accent-soft")}
    >
      <div className="flex min-h-11 items-stretch">
        {/* biome-ignore lint/a11y/noStaticElementInteractions: only lights the line; the same is seen without */}
        <div
          data-line-end={path}
          onMouseEnter={() => rule && onLit(path)}
          onMouseLeave={() => onLit(null)}
          className="relative flex w-66 shrink-0 items-center justify-end gap-1 pl-1 max-md:hidden"
        >
          {rule && (
            <span
              aria-hidden
              className={cx(
                "absolute inset-x-0 top-1/2 -z-0 h-px",
                problem ? "bg-bad" : rule.value === undefined ? "bg-faint" : "",
              )}
            />
          )}
          <span className="relative flex min-w-0 items-center gap-1">
            {rule?.formula !== undefined && (
              <button
                type="button"
                onClick={() => onOpen(path)}
                title={rule.formula}
                className="h-5.5 max-w-48 truncate rounded-control border border-edge bg-surface px-1.5 font-mono text-[11px] text-dry-text hover:border-accent"
              >
                = {rule.formula}
              </button>
            )}
            {rule?.value !== undefined && (
              <button
                type="button"
                onClick={() => onOpen(path)}
                className="h-5.5 max-w-44 truncate rounded-control border border-edge bg-surface px-1.5 font-mono text-[11px] text-ink hover:border-accent"
              >
                always {typeof rule.value === "string" ? rule.value : JSON.stringify(rule.value)}
              </button>
            )}
            {rule && <Chips rule={rule} onChange={onChange} readOnly={readOnly} />}
            {rule?.table !== undefined && (
              <span className="h-5.5 rounded-control border border-edge bg-surface px-1.5 font-mono text-[11px] leading-5 text-ink">
                table
              </span>
            )}
            {rule && !readOnly && rule.value === undefined && (
              <AddFunction label={`Add a function on ${path}`} onAdd={(item) => onChange(putFunction(rule, item))} />
            )}
          </span>
          <button
            type="button"
            aria-label={rule ? `Change the source of ${path}` : `Choose a source for ${path}`}
            disabled={readOnly}
            onClick={() => onDot(path)}
            className={cx(
              "relative z-20 size-4 shrink-0 translate-x-1/2 rounded-full border-2 border-surface",
              problem ? "bg-bad" : rule ? "bg-accent" : "bg-edge hover:bg-accent",
            )}
          />
        </div>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a larger place to press for the mouse; the button at the end of the row is for everyone */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above */}
        <div
          onClick={() => onOpen(open ? null : path)}
          className="flex min-w-0 flex-1 cursor-pointer items-center gap-3 border-l border-line py-1 pr-2 pl-4 hover:bg-hover"
        >
          <span className="w-40 shrink-0 max-md:w-28">
            <span className="flex items-baseline gap-1 font-mono text-caption text-ink">
              <span className="truncate" title={path}>
                {path}
              </span>
              {required && (
                <span className="text-bad-text" title="required">
                  *
                </span>
              )}
            </span>
            <span className="block text-[11px] leading-4 text-faint">
              {field?.type ?? "any"}
              {field?.maxLength !== undefined && ` ≤ ${field.maxLength}`}
              {required && " required"}
            </span>
          </span>
          <span className="min-w-0 flex-1">
            <Outcome {...props} />
          </span>
        </div>
        <Quick {...props} />
        <button
          type="button"
          aria-expanded={open}
          aria-label={`Edit ${path}`}
          onClick={() => onOpen(open ? null : path)}
          className="mr-2 flex size-7 shrink-0 items-center justify-center rounded-control self-center text-faint hover:text-ink pointer-coarse:size-11"
        >
          <ChevronDown aria-hidden className={cx("size-3.5 transition-transform", open && "rotate-180")} />
        </button>
      </div>
      {open && !readOnly && (
        <RuleEditor
          key={path}
          to={path}
          rule={rule}
          target={field}
          shape={props.shape}
          problem={problem}
          onChange={onChange}
          onRemove={() => props.onRemove(path)}
        />
      )}
      {open && result && !result.ok && !(problem && rule?.formula !== undefined) && (
        <p className="border-t border-line bg-bad-soft px-3 py-1.5 text-caption text-bad-text">{result.reason}</p>
      )}
    </li>
  );
});

function Outcome({ rule, result, problem, target }: Props) {
  if (!rule)
    return (
      <span className={cx("flex items-center gap-1 text-caption", target.required ? "text-bad-text" : "text-faint")}>
        {target.required && <CircleAlert aria-hidden className="size-3 shrink-0" />}
        no source
      </span>
    );
  if (result && !result.ok)
    return (
      <span className="flex items-start gap-1 text-caption leading-4 text-bad-text">
        <CircleAlert aria-hidden className="mt-0.5 size-3 shrink-0" />
        <span className="line-clamp-2 min-w-0 break-words" title={problem ?? result.reason}>
          {problem ?? result.reason}
        </span>
      </span>
    );
  return (
    <span className="block min-w-0">
      <span className="block truncate">{result ? <JsonValue value={result.value} /> : null}</span>
      {problem && (
        <span className="line-clamp-2 text-[11px] leading-4 break-words text-bad-text" title={problem}>
          {besideTarget(problem)}
        </span>
      )}
    </span>
  );
}

/** Beside the field it need not be said again where it goes: “Sink “invoices” expects …” → “Expects …”. */
function besideTarget(problem: string): string {
  const said = problem.replace(/^Sink “[^”]*” /, "");
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** One press that does what is suggested. */
function Quick({ target, rule, suggestion, fix, readOnly, onChange, onConnect }: Props) {
  if (readOnly) return null;
  if (!rule && suggestion) {
    const text = "from" in suggestion ? suggestion.from : suggestion.value;
    return (
      <QuickButton
        label={`Suggest ${text}`}
        onPress={() =>
          "from" in suggestion
            ? onConnect(suggestion.from, target.path)
            : onChange({ to: target.path, value: suggestion.value })
        }
      />
    );
  }
  if (rule?.from !== undefined && fix) {
    const names = fix.map((item) =>
      typeof item === "string" ? item : "fn" in item ? String(item.fn) : Object.keys(item)[0],
    );
    return (
      <QuickButton
        label={`Add ${names.join(", ")}`}
        onPress={() => onChange({ ...rule, apply: [...(rule.apply ?? []), ...fix] })}
      />
    );
  }
  return null;
}

function QuickButton({ label, onPress }: { label: string; onPress: () => void }) {
  return (
    <span className="flex shrink-0 items-center pr-2">
      <button
        type="button"
        onClick={onPress}
        className="flex h-6 max-w-48 items-center gap-1 rounded-full bg-accent-soft px-2 text-caption font-medium text-accent-text hover:underline pointer-coarse:h-10"
      >
        <Sparkles aria-hidden className="size-3 shrink-0" />
        <span className="truncate">{label}</span>
      </button>
    </span>
  );
}
