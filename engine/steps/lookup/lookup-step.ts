import type { Field, Json, JsonRecord, StreamInfo } from "../../../connectors/sdk/types.ts";
import { splitPath } from "../../mapping/names.ts";
import { nearest } from "../../mapping/nearest.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import { placeProblems, streamOf, unavailableNotes } from "../connection.ts";
import {
  defineStep,
  type Ended,
  type Note,
  type Problem,
  type Shape,
  type StepExecutor,
  type StepResult,
  type StepSite,
} from "../define-step.ts";
import { isEmpty, joinKey, keyText, readerOf } from "../field-access.ts";
import { setterOf, withField } from "../lay-fields.ts";
import { findField, unknownField } from "../shape.ts";
import { atField, count, list, stepName } from "../words.ts";
import { examples } from "./examples.ts";
import { type LookupStep, lookupSchema } from "./schema.ts";

const NOT_FOUND = "not-found";

export const lookupStep = defineStep<LookupStep>({
  kind: "lookup",
  role: "middle",
  title: "Look up",
  summary: "Adds fields of a record found in another system, a page of records at a time.",
  icon: "search",
  tint: "blue",
  schema: lookupSchema,
  ports: (step) =>
    step.notFound === "port"
      ? [
          { name: "out", title: "Found" },
          { name: NOT_FOUND, title: "Not found" },
        ]
      : [{ name: "out", title: "Found" }],
  output(site): { [port: string]: Shape } {
    const out = shapeFound(site);
    return site.step.notFound === "port" ? { out, [NOT_FOUND]: site.input } : { out };
  },
  problems: (site) => [
    ...placeProblems(site.step, site.world, "stream", site.step.stream),
    ...matchProblems(site),
    ...takeProblems(site),
  ],
  notes,
  compile,
  describe({ stream, match, take, as }) {
    if (stream === "") return "no stream yet";
    const by = Object.keys(match).join(", ");
    return `${as ?? count(take?.length ?? 0, "field")} from ${stream}${by === "" ? "" : ` by ${by}`}`;
  },
  draft: () => ({ kind: "lookup", connection: "", stream: "", match: {}, take: undefined, notFound: "dead" }),
  examples,
});

/** What arrives, with the fields taken. */
function shapeFound({ step, input, world }: StepSite<LookupStep>): Shape {
  const stream = streamOf(world, step.connection, step.stream);
  const maybe = step.notFound === "null" ? { nullable: true } : {};
  if (step.as !== undefined) {
    const fields = stream && stream.fields.length > 0 ? { fields: stream.fields } : {};
    return withField(input, step.as, { type: "record", nullable: step.notFound === "null", ...fields });
  }
  let shape = input;
  for (const { to, from } of step.take ?? []) {
    const found = stream ? findField({ fields: stream.fields, open: false }, from) : undefined;
    const { type, fields, maxLength, precision, scale, options, nullable }: Partial<Field> =
      found?.state === "known" ? found.field : {};
    const known = { fields, maxLength, precision, scale, options, nullable };
    const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
    shape = withField(shape, to, { ...given, type: type ?? "any", ...maybe });
  }
  return shape;
}

function matchProblems({ step, input, world }: StepSite<LookupStep>): Problem[] {
  const pairs = Object.entries(step.match);
  if (pairs.length === 0) {
    const message = `${atField(step, "match")}: expected the fields by which a record is found, found none.`;
    return [{ step: step.id, field: "match", message, remedy: "Choose a field there and the field here it equals." }];
  }
  const stream = streamOf(world, step.connection, step.stream);
  return pairs.flatMap(([there, here]) => {
    const unknown = unknownField(step, input, here);
    return [...absentThere(step, stream, there), ...(unknown ? [unknown] : [])];
  });
}

function takeProblems({ step, world }: StepSite<LookupStep>): Problem[] {
  if ((step.take === undefined) === (step.as === undefined)) {
    const found = step.take === undefined ? "none of them" : "both";
    const message = `${atField(step, "take")}: expected either fields to take or a name for the whole record, found ${found}.`;
    return [
      { step: step.id, field: "take", message, remedy: "Choose fields to take, or name the whole record with “as”." },
    ];
  }
  const stream = streamOf(world, step.connection, step.stream);
  return (step.take ?? []).flatMap(({ from }) => absentThere(step, stream, from));
}

/** A field that the stream, as far as it is known, does not have. */
function absentThere(step: LookupStep, stream: StreamInfo | undefined, field: string): Problem[] {
  if (!stream || stream.fields.length === 0) return [];
  if (findField({ fields: stream.fields, open: false }, field).state !== "unknown") return [];
  const names = stream.fields.map(({ name }) => name);
  const close = nearest(field, names);
  const message = `${atField(step, field)}: stream “${stream.name}” has no field “${field}”.`;
  const remedy = close ? `Did you mean “${close}”?` : `Choose one of ${list(names)}.`;
  return [{ step: step.id, field, message, remedy }];
}

function notes({ step, world }: StepSite<LookupStep>): Note[] {
  const found = unavailableNotes(step, world.connections.get(step.connection), `stream “${step.stream}”`);
  const stream = streamOf(world, step.connection, step.stream);
  const by = Object.keys(step.match).sort().join("\n");
  const { findBy } = stream ?? {};
  const asked = findBy === "any" || findBy?.some((fields) => [...fields].sort().join("\n") === by);
  if (stream && by !== "" && !asked) {
    const message = `${stepName(step)}: “${step.connection}” cannot be asked for single records of “${stream.name}” by ${list(Object.keys(step.match))}, so the whole stream is read for each run; that works for small ones only.`;
    found.push({ step: step.id, field: "match", message });
  }
  return found;
}

function compile({ step, world }: StepSite<LookupStep>): StepExecutor {
  const match = Object.keys(step.match);
  const readers = match.map((there) => readerOf(step.match[there]!));
  const takes = (step.take ?? []).map(({ to, from }) => ({ set: setterOf(to), read: readerOf(from) }));
  const setWhole = step.as === undefined ? undefined : setterOf(step.as);
  const fields = wantedFields(step, streamOf(world, step.connection, step.stream));

  const laid = (record: JsonRecord, found: JsonRecord | null): JsonRecord => {
    const own = { ...record };
    setWhole?.(own, found);
    for (const { set, read } of takes) set(own, found === null ? null : (read(found) ?? null));
    return own;
  };

  return async (batch, context) => {
    const asked = new Map<string, { at: number; key: JsonRecord }>();
    const names = batch.records.map((record) => {
      const key: JsonRecord = {};
      for (const [at, field] of match.entries()) {
        const value = readers[at]!(record);
        if (isEmpty(value)) return null; // nothing equals nothing
        key[field] = value!;
      }
      const name = joinKey(match.map((field) => keyText(key[field]!)));
      if (!asked.has(name)) asked.set(name, { at: asked.size, key });
      return name;
    });
    const keys = [...asked.values()].map(({ key }) => key);
    const { connection, stream } = step;
    const lists =
      keys.length === 0
        ? []
        : await context.find({ step: step.id, connection, stream, match, keys, ...(fields ? { fields } : {}) });
    const out = emptyBatch();
    const missing = emptyBatch();
    const ended: Ended[] = [];
    for (const [index, record] of batch.records.entries()) {
      const origin = batch.origins[index]!;
      const name = names[index]!;
      const found = name === null ? [] : lists[asked.get(name)!.at]!;
      if (found.length > 1 && step.multiple !== "first")
        ended.push(dead(record, origin, severalFound(step, record, found.length)));
      else if (found.length > 0) push(out, laid(record, found[0]!), origin);
      else if (step.notFound === "null") push(out, laid(record, null), origin);
      else if (step.notFound === "port") push(missing, record, origin);
      else ended.push(dead(record, origin, noneFound(step, record)));
    }
    const ports: StepResult["out"] = { out };
    if (step.notFound === "port") ports[NOT_FOUND] = missing;
    return { out: ports, ended };
  };
}

/** The fields to ask for; undefined (all) when the whole record is wanted or its fields are not known. */
function wantedFields(step: LookupStep, stream: StreamInfo | undefined): string[] | undefined {
  if (step.as !== undefined || !stream) return undefined;
  const names = new Set(stream.fields.map(({ name }) => name));
  const wanted = (step.take ?? []).map(({ from }) => (names.has(from) ? from : splitPath(from)[0]!));
  return wanted.every((name) => names.has(name)) ? [...new Set(wanted)] : undefined;
}

function noneFound(step: LookupStep, record: JsonRecord) {
  const message = `${place(step)}: “${step.stream}” in ${step.connection} has no record with ${sought(step, record)}. Create it there or correct the value here, and retry.`;
  return { kind: "rejected" as const, code: "lookup-not-found", field: sourceOf(step), message };
}

function severalFound(step: LookupStep, record: JsonRecord, found: number) {
  const message = `${place(step)}: expected one record in “${step.stream}” of ${step.connection} with ${sought(step, record)}, found ${found}. Match by a field that is unique there, or let the step take the first.`;
  return { kind: "rejected" as const, code: "lookup-several-found", field: sourceOf(step), message };
}

const sourceOf = (step: LookupStep) => Object.values(step.match)[0]!;
const place = (step: LookupStep) => atField(step, sourceOf(step));

function sought(step: LookupStep, record: JsonRecord): string {
  return Object.entries(step.match)
    .map(([there, here]) => `${there} = ${shown(readerOf(here)(record))}`)
    .join(" and ");
}

function shown(value: Json | undefined): string {
  if (isEmpty(value)) return "nothing (it is empty here)";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
