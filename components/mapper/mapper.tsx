"use client";
import { ArrowRight, Check, Plus, Sparkles } from "lucide-react";
import { type PointerEvent as ReactPointerEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { FieldMapping } from "../../engine/mapping/field-mapping.ts";
import { sinkOf } from "../../engine/steps/connection.ts";
import type { MapStep } from "../../engine/steps/map/schema.ts";
import type { PreviewAt } from "../../server/trpc/contract.ts";
import { titleOf } from "../canvas/to-react-flow.ts";
import { SampleStepper } from "../editor/data-panel.tsx";
import { say, useEditor, useInput } from "../editor/editor-context.tsx";
import { flatFields } from "../editor/field-options.ts";
import { targetOf } from "../editor/target-of.ts";
import { usePreview } from "../editor/use-preview.ts";
import { readFailure } from "../server/failure.ts";
import { Button } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { Input, SearchInput } from "../ui/input.tsx";
import { Lines } from "./lines.tsx";
import { connect, removeRule, ruleFor, setRule } from "./mapping-edits.ts";
import { compileRules, type Result } from "./results.ts";
import { sampleFacts, valueAt } from "./sample-facts.ts";
import { type Source, SourceList } from "./source-list.tsx";
import { suggestByName, suggestFix, suggestFixed } from "./suggest.ts";
import { type Target, TargetRow } from "./target-row.tsx";

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
  const { flow, act, readOnly, places, problems, sample, shapes } = useEditor();
  const shape = useInput(step);
  const rules = step.fields;
  const write = targetOf(flow, step.id);
  const sink = write && sinkOf(places.world, write.connection, write.sink);

  const preview = usePreview(flow, step.id, true);
  const records = useMemo(() => ((preview.data ?? []) as PreviewAt[]).map(({ before }) => before), [preview.data]);
  const record = records[Math.min(sample, records.length - 1)];

  const sources = useMemo<Source[]>(
    () =>
      flatFields(shape.fields).map((flat) => ({
        ...flat,
        sample: record && valueAt(record, flat.path),
        facts: sampleFacts(records.map((one) => valueAt(one, flat.path))),
      })),
    [shape.fields, record, records],
  );
  const targets = useMemo<Target[]>(() => {
    const creates = write?.operation === "insert" || write?.operation === "upsert";
    const fields = flatFields(sink?.fields ?? []).filter(
      ({ field }) => !field.readOnly && !(field.type === "record" && field.fields?.length),
    );
    const known = fields.map(({ path, field }): Target => {
      const needed =
        (creates && field.required === true && field.default !== true) || Boolean(write?.match?.includes(path));
      return { path, field, required: needed };
    });
    const names = new Set(known.map(({ path }) => path));
    const others = rules
      .filter(({ to }) => !names.has(to))
      .map(({ to }): Target => ({ path: to, field: undefined, required: false }));
    return [...known, ...others];
  }, [sink, write, rules]);

  const fieldOf = useCallback((to: string) => targets.find(({ path }) => path === to)?.field, [targets]);
  const input = shape.open ? undefined : shape.fields;
  const compiled = useMemo(() => compileRules(rules, input, fieldOf), [rules, input, fieldOf]);
  const zone = flow.settings?.timeZone ?? "UTC";
  const results = useMemo(() => {
    const env = { now: new Date(), timeZone: zone };
    const made = new Map<string, Result>();
    if (record) for (const rule of compiled) made.set(rule.to, rule.run(record, env));
    return made;
  }, [compiled, record, zone]);
  const wrong = useMemo(() => {
    const found = new Map<string, string>();
    for (const problem of problems) {
      const here = problem.step === step.id || problem.step === write?.id;
      if (here && problem.field && ruleFor(rules, problem.field) && !found.has(problem.field))
        found.set(problem.field, say(problem) ?? "");
    }
    return found;
  }, [problems, step.id, write?.id, rules]);
  const lines = useMemo(
    () =>
      rules.flatMap((rule, index) => {
        const reads = rule.from !== undefined ? [rule.from] : (compiled[index]?.reads ?? []);
        return reads.map((from) => ({ from, to: rule.to, broken: wrong.has(rule.to) }));
      }),
    [rules, compiled, wrong],
  );
  const suggestions = useMemo(
    () =>
      suggestByName(
        sources,
        targets.flatMap(({ path, field: known }) => (known ? [{ path, field: known }] : [])),
        rules,
      ),
    [sources, targets, rules],
  );
  const made = shapes[step.id]?.output.out?.fields;

  const stepNow = useRef(step);
  stepNow.current = step;
  const setRules = useCallback(
    (change: (rules: readonly FieldMapping[]) => FieldMapping[], typing?: string) => {
      const now = stepNow.current;
      act({
        type: "updateStep",
        step: { ...now, fields: change(now.fields) },
        typing: typing && `${now.id} ${typing}`,
      });
    },
    [act],
  );
  const change = useCallback(
    (rule: FieldMapping, typing?: string) => setRules((now) => setRule(now, rule), typing && `${rule.to} ${typing}`),
    [setRules],
  );
  const remove = useCallback((path: string) => setRules((now) => removeRule(now, path)), [setRules]);
  const join = useCallback((from: string, to: string) => setRules((now) => connect(now, from, to)), [setRules]);

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
      if (document.querySelector("[role=dialog], [role=listbox], .cm-tooltip-autocomplete")) return;
      if (armed) setArmed(null);
      else if (open) setOpen(null);
      else onDone();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [armed, open, onDone]);

  const required = targets.filter((target) => target.required);
  const met = required.filter(({ path }) => ruleFor(rules, path));
  const used = useMemo(() => new Set(lines.map(({ from }) => from)), [lines]);
  const litSources = lit === null ? null : new Set(lines.filter(({ to }) => to === lit).map(({ from }) => from));
  const shown = targets.filter(({ path }) => path.toLowerCase().includes(search.toLowerCase()));
  const free = !sink || sink.open;

  return (
    <section aria-label={`Mapper of ${titleOf(step)}`} className="absolute inset-0 z-30 flex flex-col bg-ground">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface px-3 py-1.5">
        <h2 className="text-heading font-semibold text-ink">{titleOf(step)}</h2>
        <span className="text-work text-muted tabular-nums">
          {required.length > 0 ? `${met.length} of ${required.length} required` : count(rules.length, "field")}
          {sink && ` · ${count(rules.length, "field")} of ${targets.length} mapped`}
        </span>
        <span className="ml-auto flex flex-wrap items-center gap-2">
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
          <Button look="primary" icon={Check} onClick={onDone}>
            Done
          </Button>
        </span>
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
          <div ref={left} className="thin-scroll min-h-0 flex-1 overflow-x-visible overflow-y-auto pr-2">
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
        <div className="flex min-w-0 flex-1 flex-col bg-surface md:bg-transparent">
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
                  const { path, field } = target;
                  const rule = ruleFor(rules, path);
                  const pair = suggestions.find(({ to }) => to === path);
                  const fixed = field && suggestFixed(field);
                  const out = made?.find(({ name }) => name === path);
                  const source = rule?.from === undefined ? undefined : sources.find((one) => one.path === rule.from);
                  return (
                    <TargetRow
                      key={path}
                      target={target}
                      rule={rule}
                      result={results.get(path)}
                      problem={wrong.get(path)}
                      suggestion={pair ?? (fixed === undefined ? undefined : { value: fixed })}
                      fix={
                        field && out && source && rule?.table === undefined
                          ? suggestFix(out, field, source.facts)
                          : undefined
                      }
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

/** Pulls a line from a source dot to a target row with the pointer; a press without pulling takes the source in hand instead. */
function usePull({
  right,
  onDrop,
  onPress,
  disabled,
}: {
  right: React.RefObject<HTMLElement | null>;
  onDrop: (from: string, to: string) => void;
  onPress: (from: string | null) => void;
  disabled: boolean;
}) {
  const [pulled, setPulled] = useState<{ from: string; x: number; y: number } | null>(null);
  const [aimed, setAimed] = useState<string | null>(null);
  const pull = useCallback(
    (from: string, event: ReactPointerEvent) => {
      if (disabled || event.button !== 0) return;
      event.preventDefault();
      const start = { x: event.clientX, y: event.clientY };
      let moved = false;
      const under = (x: number, y: number) =>
        document
          .elementsFromPoint(x, y)
          .map((element) => element.closest<HTMLElement>("[data-target]"))
          .find(Boolean)?.dataset.target ?? null;
      const move = ({ clientX: x, clientY: y }: PointerEvent) => {
        moved ||= Math.hypot(x - start.x, y - start.y) > 4;
        if (!moved) return;
        setPulled({ from, x, y });
        setAimed(under(x, y));
        const pane = right.current;
        if (!pane) return;
        const { top, bottom } = pane.getBoundingClientRect();
        if (y > bottom - 32) pane.scrollTop += 12;
        else if (y < top + 32) pane.scrollTop -= 12;
      };
      const end = ({ clientX: x, clientY: y, type }: PointerEvent) => {
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", end);
        window.removeEventListener("pointercancel", end);
        setPulled(null);
        setAimed(null);
        if (type === "pointercancel") return;
        const to = under(x, y);
        if (moved && to !== null) onDrop(from, to);
        else if (!moved) onPress(from);
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
      window.addEventListener("pointercancel", end);
    },
    [disabled, onDrop, onPress, right],
  );
  return { pulled, aimed, pull };
}
