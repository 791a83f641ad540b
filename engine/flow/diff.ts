/** What changed between two flows, in sentences; the layout does not count. */
import type { Json } from "../../connectors/sdk/types.ts";
import { isJsonRecord } from "./plain.ts";
import type { Flow, Link, Step } from "./schema.ts";

export type FlowChange = { kind: "added" | "removed" | "changed"; step?: string; what: string };

/** Changes that lead from `a` to `b`: the flow's own, then steps in the order of `b`, then links. */
export function diffFlows(a: Flow, b: Flow): FlowChange[] {
  return [...diffTop(a, b), ...diffSteps(a.steps, b.steps), ...diffLinks(a.links, b.links)];
}

function diffTop(a: Flow, b: Flow): FlowChange[] {
  const changes: FlowChange[] = [];
  if (a.name !== b.name) changes.push({ kind: "changed", what: `Name changed from “${a.name}” to “${b.name}”.` });
  changes.push(...diffRecord("Brief: ", a.brief ?? {}, b.brief ?? {}));
  changes.push(...diffList("Assumption", (a.assumptions ?? []) as Json[], (b.assumptions ?? []) as Json[]));
  changes.push(...diffRecord("Settings: ", flat(a.settings ?? {}), flat(b.settings ?? {})));
  return changes;
}

function diffSteps(a: readonly Step[], b: readonly Step[]): FlowChange[] {
  const changes: FlowChange[] = [];
  const before = new Map(a.map((step) => [step.id, step]));
  const after = new Set(b.map(({ id }) => id));
  for (const step of a) {
    if (!after.has(step.id)) changes.push({ kind: "removed", step: step.id, what: `${nameOf(step)} removed.` });
  }
  for (const step of b) {
    const old = before.get(step.id);
    if (!old) changes.push({ kind: "added", step: step.id, what: `${nameOf(step)} added.` });
    else if (old.kind !== step.kind) {
      changes.push({ kind: "changed", step: step.id, what: `${nameOf(step)} was of kind ${old.kind} before.` });
    } else for (const change of diffStep(old, step)) changes.push({ ...change, step: step.id });
  }
  return changes;
}

const ENTRIES: { [setting: string]: string } = { rules: "rule", fields: "field", branches: "branch" };

function diffStep(a: Step, b: Step): FlowChange[] {
  const changes: FlowChange[] = [];
  const before = a as { [name: string]: unknown };
  const after = b as { [name: string]: unknown };
  const where = nameOf(b);
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[name] as Json | undefined, after[name] as Json | undefined];
    if (same(old, now)) continue;
    const entry = ENTRIES[name];
    if (entry) changes.push(...diffList(`${where}: ${entry}`, asList(old), asList(now)));
    else changes.push(changed(`${where}: ${name}`, old, now));
  }
  return changes;
}

/** Entries are told apart by what they are about (`to`, `port`, `field`); those without, or with the same, by their content. */
function diffList(what: string, a: readonly Json[], b: readonly Json[]): FlowChange[] {
  const changes: FlowChange[] = [];
  const before = named(a);
  const after = named(b);
  for (const [name, entry] of before) {
    if (!after.has(name)) changes.push({ kind: "removed", what: `${what} ${label(entry)} removed.` });
  }
  for (const [name, entry] of after) {
    if (!before.has(name)) changes.push({ kind: "added", what: `${what} ${label(entry)} added.` });
    else if (!same(before.get(name), entry))
      changes.push({ kind: "changed", what: `${what} ${label(entry)} changed.` });
  }
  const order = (entries: Map<string, Json>, other: Map<string, Json>) =>
    [...entries.keys()].filter((name) => other.has(name)).join("\n");
  if (changes.length === 0 && order(before, after) !== order(after, before)) {
    changes.push({ kind: "changed", what: `${what}: the order changed.` });
  }
  return changes;
}

function named(entries: readonly Json[]): Map<string, Json> {
  const names = new Map<string, Json>();
  for (const entry of entries) {
    const base = titleOf(entry) ?? JSON.stringify(entry);
    let name = base;
    for (let number = 2; names.has(name); number += 1) name = `${base} (${number})`;
    names.set(name, entry);
  }
  return names;
}

function titleOf(entry: Json): string | undefined {
  if (!isJsonRecord(entry)) return undefined;
  const title = entry.to ?? entry.port ?? entry.field ?? entry.text ?? entry.formula;
  return typeof title === "string" ? title : undefined;
}

function label(entry: Json): string {
  return `“${cut(titleOf(entry) ?? JSON.stringify(entry))}”`;
}

function diffLinks(a: readonly Link[], b: readonly Link[]): FlowChange[] {
  const name = ({ from, to, port }: Link) =>
    `${from}${port === undefined || port === "out" ? "" : ` (${port})`} → ${to}`;
  const before = new Set(a.map(name));
  const after = new Set(b.map(name));
  return [
    ...[...before]
      .filter((link) => !after.has(link))
      .map((link): FlowChange => ({ kind: "removed", what: `Link ${link} removed.` })),
    ...[...after]
      .filter((link) => !before.has(link))
      .map((link): FlowChange => ({ kind: "added", what: `Link ${link} added.` })),
  ];
}

function diffRecord(prefix: string, a: { [name: string]: unknown }, b: { [name: string]: unknown }): FlowChange[] {
  const changes: FlowChange[] = [];
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [old, now] = [a[name] as Json | undefined, b[name] as Json | undefined];
    if (!same(old, now)) changes.push(changed(prefix + name, old, now));
  }
  return changes;
}

function changed(what: string, old: Json | undefined, now: Json | undefined): FlowChange {
  if (old === undefined) return { kind: "changed", what: `${what} set to ${show(now)}.` };
  if (now === undefined) return { kind: "changed", what: `${what} removed, it was ${show(old)}.` };
  return { kind: "changed", what: `${what} changed from ${show(old)} to ${show(now)}.` };
}

/** `{ retry: { attempts: 8 } }` as `{ "retry.attempts": 8 }` */
function flat(settings: { [name: string]: unknown }): { [name: string]: unknown } {
  const entries = Object.entries(settings).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([inner, setting]): [string, unknown] => [`${name}.${inner}`, setting])
      : [[name, value] as [string, unknown]],
  );
  return Object.fromEntries(entries);
}

function show(value: Json | undefined): string {
  if (typeof value === "string") return `“${cut(value)}”`;
  if (Array.isArray(value) && value.every((item) => typeof item === "string"))
    return cut(value.join(", ")) || "nothing";
  return cut(JSON.stringify(value) ?? "nothing");
}

function asList(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (!isJsonRecord(a) || !isJsonRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}

function nameOf(step: Step): string {
  return step.title === undefined ? `Step “${step.id}”` : `Step “${step.title}” (${step.id})`;
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
