"use client";
import { ArrowRight, Check, Plus, Sparkles } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { MapStep } from "../../engine/steps/map/schema.ts";
import { titleOf } from "../canvas/to-react-flow.ts";
import { SampleStepper } from "../editor/data-panel.tsx";
import { useEditor } from "../editor/editor-context.tsx";
import { readFailure } from "../server/failure.ts";
import { Button } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { Input, SearchInput } from "../ui/input.tsx";
import { Lines } from "./lines.tsx";
import { connect, ruleFor } from "./mapping-edits.ts";
import { SourceList } from "./source-list.tsx";
import { TargetRow } from "./target-row.tsx";
import { useMapping } from "./use-mapping.ts";
import { usePull } from "./use-pull.ts";

/** Draws a map step: source fields left, target fields right, lines and functions between, a real record through it all. */
export function Mapper({
  step,
  field,
  onDone,
}: {
  step: MapStep;
  /** a target field to begin with */
  field?: string;
  onDone: () => void;
}) {
  const { readOnly } = useEditor();
  const mapping = useMapping(step);
  const { shape, rules, write, sink, preview, records, sources, targets, results, wrong, lines, suggestions } = mapping;
  const { offerFor, setRules, change, remove, join } = mapping;

  const root = useRef<HTMLElement>(null);
  // It lies over the editor: the focus comes in with it, and goes back to where it was.
  const before = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    before.current = document.activeElement as HTMLElement | null;
    if (!root.current?.contains(before.current)) root.current?.focus({ preventScroll: true });
  }, []);
  // Once this is gone from the page: what lies below it cannot take the focus earlier.
  useEffect(() => () => before.current?.focus({ preventScroll: true }), []);
  const done = useRef(onDone);
  done.current = onDone;
  const box = useRef<HTMLDivElement>(null);
  const left = useRef<HTMLDivElement>(null);
  const right = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<string | null>(field ?? null);
  useEffect(() => {
    if (field)
      right.current?.querySelector(`[data-target="${CSS.escape(field)}"]`)?.scrollIntoView({ block: "center" });
  }, [field]);
  const [lit, setLit] = useState<string | null>(null);
  const [armed, setArmed] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [extra, setExtra] = useState("");
  const panes = useMemo(() => [left, right], []);
  const { pulled, aimed, pull } = usePull({ right, onDrop: join, disabled: readOnly, onPress: setArmed });
  const dot = useCallback(
    (path: string) => {
      if (armed !== null) {
        join(armed, path);
        setArmed(null);
      } else setOpen(path);
    },
    [armed, join],
  );
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      if (document.querySelector("[role=dialog]:not([data-toast]), [role=listbox], .cm-tooltip-autocomplete")) return;
      if (armed) setArmed(null);
      else if (open) setOpen(null);
      else done.current();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [armed, open]);

  const required = targets.filter((target) => target.required);
  const met = required.filter(({ path }) => ruleFor(rules, path));
  const used = useMemo(() => new Set(lines.map(({ from }) => from)), [lines]);
  const litSources = lit === null ? null : new Set(lines.filter(({ to }) => to === lit).map(({ from }) => from));
  const shown = targets.filter(({ path }) => path.toLowerCase().includes(search.toLowerCase()));
  const free = !sink || sink.open;

  return (
    <section
      ref={root}
      aria-label={`Mapper of ${titleOf(step)}`}
      tabIndex={-1}
      className="absolute inset-0 z-30 flex flex-col bg-ground outline-none"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface px-3 py-1.5">
        <h2 className="text-heading font-semibold text-ink">{titleOf(step)}</h2>
        <span className="min-w-0 flex-1 truncate text-work text-muted tabular-nums">
          {required.length > 0 ? `${met.length} of ${required.length} required` : count(rules.length, "field")}
          {sink && ` · ${count(rules.length, "field")} of ${targets.length} mapped`}
        </span>
        <span className="flex flex-wrap items-center gap-2 max-md:order-last max-md:w-full max-md:justify-between">
          <SampleStepper length={records.length} />
          {!readOnly && suggestions.length > 0 && (
            <Button
              large
              icon={Sparkles}
              onClick={() =>
                setRules((now) => suggestions.reduce((all, { from, to }) => connect(all, from, to), [...now]))
              }
            >
              Match {count(suggestions.length, "field")} by name
            </Button>
          )}
        </span>
        <Button look="primary" icon={Check} onClick={onDone}>
          Done
        </Button>
      </header>
      {preview.isError && records.length === 0 && (
        <p className="border-b border-line bg-warn-soft px-3 py-1.5 text-work text-ink">
          No samples: {readFailure(preview.error).message}
        </p>
      )}
      {armed && (
        <p role="status" className="border-b border-line bg-accent-soft px-3 py-1 text-work text-accent-text">
          Choose the target for “{armed}”: press the dot of a target field. Escape leaves it.
        </p>
      )}
      <div ref={box} className="relative flex min-h-0 flex-1">
        <div className="flex w-[30%] max-w-105 min-w-70 shrink-0 flex-col border-r border-line bg-surface max-md:hidden">
          <h3 className="flex h-8 shrink-0 items-center gap-2 border-b border-line px-3 text-caption font-medium text-muted">
            What arrives <span className="text-faint tabular-nums">{sources.length}</span>
          </h3>
          <div ref={left} className="thin-scroll min-h-0 flex-1 overflow-x-hidden overflow-y-auto">
            <SourceList
              sources={sources}
              used={used}
              lit={litSources}
              armed={armed}
              onPull={pull}
              onArm={setArmed}
              open={shape.open}
            />
          </div>
        </div>
        <div aria-hidden className="w-24 shrink-0 max-md:hidden" />
        <div className="flex min-w-0 flex-1 flex-col border-line bg-surface md:border-l">
          <h3 className="flex h-8 shrink-0 items-center gap-2 border-b border-line bg-surface px-3 text-caption font-medium text-muted">
            <ArrowRight aria-hidden className="size-3.5" />
            {write ? titleOf(write) : "What leaves"}
            <span className="text-faint tabular-nums">{targets.length}</span>
            {!write && (
              <span className="font-normal">Link a write step behind this map, and its fields are listed here.</span>
            )}
          </h3>
          <div ref={right} className="thin-scroll min-h-0 flex-1 overflow-y-auto">
            <div>
              <div className="sticky top-0 z-20 flex justify-end border-b border-line bg-surface">
                <span className="w-66 shrink-0 px-3 py-3 text-right text-caption text-faint max-md:hidden">
                  functions
                </span>
                <div className="flex-1 border-l border-line p-2">
                  <SearchInput label="Search target fields" placeholder="Search" value={search} onChange={setSearch} />
                </div>
              </div>
              <ul aria-label="Target fields" className="bg-surface">
                {shown.map((target) => {
                  const { path } = target;
                  const { suggestion, fix } = offerFor(target);
                  return (
                    <TargetRow
                      key={path}
                      target={target}
                      rule={ruleFor(rules, path)}
                      result={results.get(path)}
                      problem={wrong.get(path)}
                      suggestion={suggestion}
                      fix={fix}
                      open={open === path}
                      faded={lit !== null && lit !== path}
                      aimed={aimed === path}
                      readOnly={readOnly}
                      shape={shape}
                      onOpen={setOpen}
                      onChange={change}
                      onRemove={remove}
                      onConnect={join}
                      onLit={setLit}
                      onDot={dot}
                    />
                  );
                })}
              </ul>
              {free && !readOnly && (
                <form
                  className="flex gap-2 p-3 md:pl-70"
                  onSubmit={(event) => {
                    event.preventDefault();
                    const to = extra.trim();
                    if (to === "" || ruleFor(rules, to)) return;
                    const same = sources.find(({ path }) => path === to);
                    change(same ? { to, from: same.path } : { to, value: "" });
                    setExtra("");
                    setOpen(to);
                  }}
                >
                  <Input
                    mono
                    aria-label="Name of another field"
                    placeholder="Another field"
                    value={extra}
                    onChange={setExtra}
                  />
                  <Button type="submit" icon={Plus}>
                    Add a field
                  </Button>
                </form>
              )}
            </div>
          </div>
        </div>
        <Lines box={box} panes={panes} lines={lines} pulled={pulled} lit={lit} onLit={setLit} onPick={setOpen} />
      </div>
    </section>
  );
}
