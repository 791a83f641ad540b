import type { Field, JsonRecord } from "../../../connectors/sdk/types.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import {
  type Collected,
  defineStep,
  type Ended,
  type Problem,
  type Shape,
  type StepContext,
  type StepExecutor,
  type StepSite,
} from "../define-step.ts";
import { withField } from "../lay-fields.ts";
import { findField, unknownField } from "../shape.ts";
import { atField, count, sentence } from "../words.ts";
import { examples } from "./examples.ts";
import { compileFormulas, compileGrouping } from "./grouping.ts";
import { type CollectField, type CollectStep, collectSchema } from "./schema.ts";

export const collectStep = defineStep<CollectStep>({
  kind: "collect",
  role: "middle",
  parts: "joins",
  title: "Collect",
  summary: "Makes one record of each group: sums, counts, lists over the parts of a record or over a whole run.",
  icon: "group",
  tint: "violet",
  schema: collectSchema,
  ports: () => [{ name: "out", title: "Groups" }],
  output: (site) => ({ out: shapeCollected(site) }),
  problems,
  compile,
  describe({ by, within }) {
    const groups = by.length === 0 ? "all in one" : `by ${by.join(", ")}`;
    return `${groups}, ${within === "run" ? "at the end of the run" : "within each record"}`;
  },
  draft: () => ({ kind: "collect", by: [], fields: [] }),
  examples,
});

function shapeCollected({ step, input }: StepSite<CollectStep>): Shape {
  let shape: Shape = { fields: [], open: false };
  for (const path of step.by) {
    const found = findField(input, path);
    shape = withField(shape, path, found.state === "known" ? found.field : { type: "any", nullable: true });
  }
  const formulas = compileFormulas(step, input)?.output ?? [];
  for (const field of formulas) shape = withField(shape, field.name, field);
  for (const field of step.fields)
    if (field.take !== undefined) shape = withField(shape, field.to, typeTaken(field, input));
  return shape;
}

function typeTaken({ take, from }: CollectField, input: Shape): Omit<Field, "name"> {
  const found = from === undefined ? undefined : findField(input, from);
  const known = found?.state === "known" ? found.field : undefined;
  if (take === "count") return { type: "integer", nullable: false };
  if (take === "sum") return { type: known?.type === "integer" ? "integer" : "decimal", nullable: false };
  if (take === "list")
    return {
      type: "list",
      nullable: false,
      ...(known?.type === "record" && known.fields ? { fields: known.fields } : {}),
    };
  const { key: _key, unique: _unique, ...rest } = known ?? { type: "any" as const };
  return { ...rest, nullable: true };
}

function problems({ step, input }: StepSite<CollectStep>): Problem[] {
  const found: Problem[] = [];
  const say = (field: string, what: string, remedy: string) =>
    found.push({ step: step.id, field, message: `${atField(step, field)}: ${what}.`, remedy });
  for (const path of step.by) {
    const unknown = unknownField(step, input, path);
    if (unknown) found.push(unknown);
  }
  if (step.by.length === 0 && step.fields.length === 0)
    say("fields", "expected fields to group by or to compute, found neither", "Choose a field to group by.");
  const taken = new Set(step.by);
  for (const { to, from, take } of step.fields) {
    if (taken.has(to)) say(to, "the field is set twice", "Give one of them another name.");
    taken.add(to);
    if (from === undefined) continue;
    const unknown = unknownField(step, input, from);
    if (unknown) found.push(unknown);
    const source = findField(input, from);
    if (take === "sum" && source.state === "known" && !SUMMABLE.has(source.field.type))
      say(
        from,
        `expected numbers to sum, but ${source.field.type} arrives`,
        "Turn it into a number in a map before this step.",
      );
  }
  for (const { to, message, remedy, position } of compileFormulas(step, input)?.problems ?? []) {
    const place = position ? ` (at character ${position.start + 1} of the formula)` : "";
    say(to, `${message.replace(/\.$/, "")}${place}`, sentence(remedy));
  }
  return found;
}

const SUMMABLE: ReadonlySet<string> = new Set(["integer", "decimal", "any", "json", "list"]);

function compile({ step, input }: StepSite<CollectStep>): StepExecutor {
  const grouping = compileGrouping(step, input);
  return (batch, context) => {
    if (step.within === "run" && context.groups === "run") {
      const collected = batch.records.map(
        (record, index): Collected => ({ key: grouping.keyOf(record), record, origin: batch.origins[index]! }),
      );
      return { out: { out: emptyBatch() }, ended: [], collected };
    }
    const apart = step.within !== "run" || context.groups === "record";
    return groupedHere(
      step,
      batch,
      context,
      (record, origin) => {
        const key = grouping.keyOf(record);
        return apart ? `${origin} ${key}` : key;
      },
      () => grouping.start(context),
    );
  };
}

/** Groups a page: a group's record stands for the first record in it, and ends where that began. */
function groupedHere(
  step: CollectStep,
  batch: Parameters<StepExecutor>[0],
  context: StepContext,
  nameOf: (record: JsonRecord, origin: number) => string,
  start: () => ReturnType<ReturnType<typeof compileGrouping>["start"]>,
) {
  const groups = new Map<string, { origin: number; members: number[]; group: ReturnType<typeof start> }>();
  for (const [index, record] of batch.records.entries()) {
    const origin = batch.origins[index]!;
    const name = nameOf(record, origin);
    let found = groups.get(name);
    if (!found) {
      found = { origin, members: [], group: start() };
      groups.set(name, found);
    }
    found.members.push(index);
    found.group.add(record);
  }
  const out = emptyBatch();
  const ended: Ended[] = [];
  for (const { origin, members, group } of groups.values()) {
    const made = group.result();
    if (made.ok) push(out, made.record, origin);
    for (const index of members) {
      const record = batch.records[index]!;
      const from = batch.origins[index]!;
      if (!made.ok) ended.push(dead(record, from, made.failure));
      else if (from !== origin && context.groups === "page") ended.push(joined(step, record, from));
    }
  }
  return { out: { out }, ended };
}

/** In a preview: a record that went into the group of one before it. */
function joined(step: CollectStep, record: JsonRecord, origin: number): Ended {
  const message = `Joined with the records before it that have the same ${count(step.by.length, "field")}.`;
  return { origin, outcome: "held", record, failure: { kind: "rejected", code: "joined", message } };
}
