"use client";
import { ChevronRight, TriangleAlert } from "lucide-react";
import { type PointerEvent, useState } from "react";
import type { Json } from "../../engine/mapping/types.ts";
import type { FlatField } from "../editor/field-options.ts";
import { JsonValue } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { SearchInput } from "../ui/input.tsx";
import type { SampleFacts } from "./sample-facts.ts";

export type Source = FlatField & { sample: Json | undefined; facts: SampleFacts };

/** Fields that arrive: type, sample, share of empty. A line is pulled from the dot, or the row is pressed and then a target. */
export function SourceList({
  sources,
  used,
  lit,
  armed,
  onPull,
  onArm,
  open,
}: {
  sources: readonly Source[];
  used: ReadonlySet<string>;
  lit: ReadonlySet<string> | null;
  armed: string | null;
  onPull: (path: string, event: PointerEvent) => void;
  onArm: (path: string) => void;
  /** fields beyond these may arrive */
  open: boolean;
}) {
  const [search, setSearch] = useState("");
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const hidden = (path: string | null): boolean =>
    path !== null && (folded.has(path) || hidden(sources.find((source) => source.path === path)?.parent ?? null));
  const shown = sources.filter(({ path, parent }) =>
    search === "" ? !hidden(parent) : path.toLowerCase().includes(search.toLowerCase()),
  );
  const holds = new Set(sources.flatMap(({ parent }) => (parent === null ? [] : [parent])));
  return (
    <div>
      <div className="sticky top-0 z-30 border-b border-line bg-surface p-2">
        <SearchInput label="Search source fields" placeholder="Search" value={search} onChange={setSearch} />
      </div>
      <ul aria-label="Source fields">
        {shown.map(({ path, field, depth, sample, facts }) => (
          <li
            key={path}
            className={cx(
              "group relative flex h-10 items-center gap-2 border-b border-line pr-7 transition-opacity",
              lit && !lit.has(path) && "opacity-35",
              armed === path && "bg-accent-soft",
            )}
            style={{ paddingLeft: 10 + depth * 14 }}
          >
            {holds.has(path) ? (
              <button
                type="button"
                aria-expanded={!folded.has(path)}
                aria-label={`Fields of ${field.name}`}
                onClick={() => {
                  const next = new Set(folded);
                  if (!next.delete(path)) next.add(path);
                  setFolded(next);
                }}
                className="-ml-2 flex size-5 shrink-0 items-center justify-center rounded-mark text-muted"
              >
                <ChevronRight
                  aria-hidden
                  className={cx("size-3.5 transition-transform", !folded.has(path) && "rotate-90")}
                />
              </button>
            ) : null}
            <span className="min-w-0 flex-1">
              <span className="flex items-baseline gap-1.5">
                <span className="truncate font-mono text-caption text-ink" title={path}>
                  {field.name}
                </span>
                <span className="shrink-0 text-[11px] leading-4 text-faint">{field.type}</span>
                {facts.dateFormats.length > 1 && (
                  <span
                    className="flex shrink-0 items-center gap-0.5 text-[11px] leading-4 text-warn-text"
                    title={facts.dateFormats.join(", ")}
                  >
                    {facts.dateFormats.length} formats
                    <TriangleAlert aria-hidden className="size-3" />
                  </span>
                )}
              </span>
              <span className="block truncate leading-4">
                <JsonValue value={sample} className="text-muted" />
              </span>
            </span>
            {facts.emptyShare > 0 && (
              <span
                className="shrink-0 text-[11px] text-faint tabular-nums"
                title="Share of samples in which it is empty"
              >
                {Math.round(facts.emptyShare * 100)} % empty
              </span>
            )}
            <button
              type="button"
              aria-label={`Draw a line from ${path}`}
              aria-pressed={armed === path}
              data-source={path}
              onPointerDown={(event) => onPull(path, event)}
              onClick={(event) => event.detail === 0 && onArm(path)}
              className={cx(
                "absolute top-1/2 right-2 z-20 flex size-4 translate-x-1/2 -translate-y-1/2 touch-none items-center justify-center rounded-full border-2 border-surface transition-colors pointer-coarse:size-7",
                used.has(path) || armed === path ? "bg-accent" : "bg-edge hover:bg-accent",
              )}
            />
          </li>
        ))}
      </ul>
      {shown.length === 0 && (
        <p className="p-3 text-work text-muted">
          {search !== ""
            ? "No field has this name."
            : open
              ? "Nothing is known of the fields that arrive. Write formulas, or link a step before."
              : "No fields arrive. Link a step before this one."}
        </p>
      )}
    </div>
  );
}
