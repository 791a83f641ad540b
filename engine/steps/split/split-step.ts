import { quote } from "../../../connectors/sdk/errors.ts";
import type { Field, Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import { splitPath } from "../../mapping/names.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import {
  defineStep,
  type Ended,
  type Note,
  type Problem,
  type Shape,
  type StepExecutor,
  type StepSite,
} from "../define-step.ts";
import { readerOf } from "../field-access.ts";
import { setterOf, withField, withoutField } from "../lay-fields.ts";
import { findField, unknownField } from "../shape.ts";
import { atField, list, stepName } from "../words.ts";
import { examples } from "./examples.ts";
import { type SplitStep, splitSchema } from "./schema.ts";

export const splitStep = defineStep<SplitStep>({
  kind: "split",
  role: "middle",
  parts: "makes",
  title: "Split",
  summary: "Makes one record of each item of a list; the record is settled when all of them are.",
  icon: "list-tree",
  tint: "violet",
  schema: splitSchema,
  ports: () => [{ name: "out", title: "Items" }],
  output: (site) => ({ out: shapeSplit(site) }),
  problems,
  notes,
  compile,
  describe: ({ field, as }) =>
    field === "" ? "no list yet" : `each of ${field}${as === undefined ? "" : ` as ${as}`}`,
  draft: () => ({ kind: "split", field: "" }),
  examples,
});

/** What a part has of its record. */
function keptShape({ step, input }: StepSite<SplitStep>): Shape {
  if (step.keep === undefined) return withoutField(input, step.field);
  let shape: Shape = { fields: [], open: false };
  for (const path of step.keep) {
    const found = findField(input, path);
    shape = withField(shape, path, found.state === "known" ? found.field : { type: "any", nullable: true });
  }
  return shape;
}

function shapeSplit(site: StepSite<SplitStep>): Shape {
  const { step, input } = site;
  const found = findField(input, step.field);
  const item: Field[] | undefined = found.state === "known" ? found.field.fields : undefined;
  const maybe = step.emptyList === "pass";
  let shape = keptShape(site);
  if (step.as !== undefined)
    shape = withField(
      shape,
      step.as,
      item ? { type: "record", nullable: maybe, fields: item } : { type: "any", nullable: maybe },
    );
  else if (item) for (const field of item) shape = withField(shape, writeOne(field.name), loose(field, maybe));
  else shape = { ...shape, open: true };
  return step.number === undefined ? shape : withField(shape, step.number, { type: "integer", nullable: maybe });
}

const loose = (field: Field, maybe: boolean): Field => (maybe ? { ...field, nullable: true } : field);
/** A field's name as a path of one part. */
const writeOne = (name: string) => (splitPath(name).length === 1 ? name : `\`${name.replaceAll("`", "``")}\``);

function problems({ step, input }: StepSite<SplitStep>): Problem[] {
  if (step.field === "") {
    const message = `${atField(step, "field")}: expected the field that holds the list, found none.`;
    return [{ step: step.id, field: "field", message, remedy: "Choose a list." }];
  }
  const unknown = unknownField(step, input, step.field);
  const found = findField(input, step.field);
  const kept = (step.keep ?? []).flatMap((path) => unknownField(step, input, path) ?? []);
  if (unknown) return [unknown, ...kept];
  if (found.state === "known" && !["list", "json", "any"].includes(found.field.type)) {
    const lists = input.fields.filter(({ type }) => type === "list").map(({ name }) => name);
    const message = `${atField(step, step.field)}: expected a list, but ${found.field.type} arrives.`;
    const remedy = lists.length > 0 ? `Choose a list: ${list(lists)}.` : "Choose a field that holds a list.";
    return [{ step: step.id, field: "field", message, remedy }, ...kept];
  }
  return kept;
}

/** Fields of the record that an item hides. */
function notes(site: StepSite<SplitStep>): Note[] {
  const { step, input } = site;
  const found = findField(input, step.field);
  if (step.as !== undefined || found.state !== "known") return [];
  const kept = new Set(keptShape(site).fields.map(({ name }) => name));
  const hidden = (found.field.fields ?? []).map(({ name }) => name).filter((name) => kept.has(name));
  if (hidden.length === 0) return [];
  const message = `${stepName(step)}: ${list(hidden)} of the item takes the place of the record's own. Put the items under a name with “as” to keep both.`;
  return [{ step: step.id, field: "as", message }];
}

function compile({ step }: StepSite<SplitStep>): StepExecutor {
  const readList = readerOf(step.field);
  const drop = withoutPath(step.field);
  const keeps = step.keep?.map((path) => ({ read: readerOf(path), set: setterOf(path) }));
  const setItem = step.as === undefined ? undefined : setterOf(step.as);
  const setNumber = step.number === undefined ? undefined : setterOf(step.number);

  const parentOf = (record: JsonRecord): JsonRecord => {
    if (keeps === undefined) return drop(record);
    const kept: JsonRecord = {};
    for (const { read, set } of keeps) {
      const value = read(record);
      if (value !== undefined) set(kept, value);
    }
    return kept;
  };

  return (batch) => {
    const out = emptyBatch();
    const ended: Ended[] = [];
    for (const [index, record] of batch.records.entries()) {
      const origin = batch.origins[index]!;
      const value = readList(record) ?? null;
      if (value !== null && !Array.isArray(value)) {
        ended.push(dead(record, origin, notAList(step, value)));
        continue;
      }
      const items = value ?? [];
      if (items.length === 0) {
        if (step.emptyList === "dead") ended.push(dead(record, origin, noItems(step)));
        else if (step.emptyList === "pass") push(out, without(parentOf(record), setItem, setNumber), origin);
        else ended.push({ origin, outcome: "filtered", record });
        continue;
      }
      const bare = setItem
        ? -1
        : items.findIndex((item) => typeof item !== "object" || item === null || Array.isArray(item));
      if (bare >= 0) {
        ended.push(dead(record, origin, notARecord(step, items[bare]!, bare)));
        continue;
      }
      const parent = parentOf(record);
      for (const [place, item] of items.entries()) {
        const part = setItem ? { ...parent } : { ...parent, ...(item as JsonRecord) };
        setItem?.(part, item);
        setNumber?.(part, place + 1);
        push(out, part, origin);
      }
    }
    return { out: { out }, ended };
  };
}

function without(parent: JsonRecord, ...setters: (ReturnType<typeof setterOf> | undefined)[]): JsonRecord {
  const part = { ...parent };
  for (const set of setters) set?.(part, null);
  return part;
}

/** Removes a field at a path; records that hold it are copied. */
function withoutPath(path: string): (record: JsonRecord) => JsonRecord {
  const parts = splitPath(path);
  const remove = (record: JsonRecord, at: number): JsonRecord => {
    const name = parts[at]!;
    if (at + 1 === parts.length) {
      const { [name]: _list, ...rest } = record;
      return rest;
    }
    const inner = record[name];
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return record;
    return { ...record, [name]: remove(inner, at + 1) };
  };
  return (record) => {
    if (!Object.hasOwn(record, path)) return remove(record, 0);
    const { [path]: _list, ...rest } = record;
    return rest;
  };
}

function notAList(step: SplitStep, found: Json) {
  const message = `${atField(step, step.field)}: expected a list, found ${quote(found)}. Correct it here, or choose another field in the step.`;
  return { kind: "rejected" as const, code: "split-not-a-list", field: step.field, message };
}

function notARecord(step: SplitStep, found: Json, place: number) {
  const message = `${atField(step, step.field)}: expected records in the list, found ${quote(found)} as item ${place + 1}. Give the items a name with “as” in the step.`;
  return { kind: "rejected" as const, code: "split-not-a-record", field: step.field, message };
}

function noItems(step: SplitStep) {
  const message = `${atField(step, step.field)}: expected at least one item, found an empty list. Fill it in here and retry.`;
  return { kind: "rejected" as const, code: "split-empty-list", field: step.field, message };
}
