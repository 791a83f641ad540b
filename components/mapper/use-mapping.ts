"use client";
import { useCallback, useMemo, useRef } from "react";
import type { FieldMapping } from "../../engine/mapping/field-mapping.ts";
import { sinkOf } from "../../engine/steps/connection.ts";
import type { MapStep } from "../../engine/steps/map/schema.ts";
import type { PreviewAt } from "../../server/trpc/contract/flows.ts";
import { say, useEditor, useInput } from "../editor/editor-context.tsx";
import { flatFields } from "../editor/field-options.ts";
import { targetOf } from "../editor/target-of.ts";
import { usePreview } from "../editor/use-preview.ts";
import { connect, removeRule, ruleFor, setRule } from "./mapping-edits.ts";
import { compileRules, type Result } from "./results.ts";
import { sampleFacts, valueAt } from "./sample-facts.ts";
import type { Source } from "./source-list.tsx";
import { suggestByName, suggestFix, suggestFixed } from "./suggest.ts";
import type { Target } from "./target-row.tsx";

/** Both sides of a map step, what its rules make of the sample record, what is wrong, what is suggested, and how it is changed. */
export function useMapping(step: MapStep) {
  const { flow, act, places, problems, sample, shapes } = useEditor();
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

  /** what one press would do for a target: a source of its name, a value it names as the only one, functions that make it fit */
  const offerFor = ({ path, field }: Target) => {
    const rule = ruleFor(rules, path);
    const pair = suggestions.find(({ to }) => to === path);
    const fixed = field && suggestFixed(field);
    const out = made?.find(({ name }) => name === path);
    const source = rule?.from === undefined ? undefined : sources.find((one) => one.path === rule.from);
    return {
      suggestion: pair ?? (fixed === undefined ? undefined : { value: fixed }),
      fix: field && out && source && rule?.table === undefined ? suggestFix(out, field, source.facts) : undefined,
    };
  };
  return {
    shape,
    rules,
    write,
    sink,
    preview,
    records,
    sources,
    targets,
    results,
    wrong,
    lines,
    suggestions,
    offerFor,
    setRules,
    change,
    remove,
    join,
  };
}
