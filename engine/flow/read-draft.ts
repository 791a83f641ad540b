/** From whatever was sent to a flow that can be worked with, and the problems of the rest. */
import type { z } from "zod";
import type { Json } from "../../connectors/sdk/types.ts";
import { nearest } from "../mapping/nearest.ts";
import { describeValue } from "../mapping/value.ts";
import type { Problem } from "../steps/define-step.ts";
import { problemsOf } from "./issues.ts";
import { isJsonRecord, plainCopy } from "./plain.ts";
import {
  assumptionSchema,
  BRIEF_FIELDS,
  briefSchema,
  type Flow,
  FORMAT,
  flowSchema,
  type Link,
  linkSchema,
  positionSchema,
  type Step,
  settingsSchema,
  stepSchemas,
} from "./schema.ts";

/** A step that could not be read, kept as it came. `id` is made from its place when it has none of its own. */
export type BrokenStep = { id: string; kind?: string; title?: string; raw: Json };

export type Draft = {
  /** all parts of the input that are valid by themselves */
  flow: Flow;
  /** what was wrong with the others */
  problems: Problem[];
  broken: BrokenStep[];
};

const MOST_PROBLEMS = 200;
/** Kinds of DESIGN §3 that a later version brings. */
const LATER = ["message", "file", "manual", "code", "notify", "call"];

/** Reads a whole, valid document; otherwise says all that is wrong with it. Never throws, whatever it is given. */
export function parseFlow(input: unknown): { ok: true; flow: Flow } | { ok: false; problems: Problem[] } {
  const { flow, problems } = readDraft(input);
  return problems.length === 0 ? { ok: true, flow } : { ok: false, problems };
}

/** Keeps what can be used of a document, however broken the rest is. Never throws. */
export function readDraft(input: unknown): Draft {
  const flow: Flow = { format: FORMAT, name: "Untitled flow", steps: [], links: [] };
  const draft: Draft = { flow, problems: [], broken: [] };
  const plain = plainSafely(input);
  if (!plain.ok) {
    const { path, message, remedy } = plain.unusable;
    const where = path === "" ? "Flow" : `Flow, field “${path}”`;
    draft.problems.push({
      step: "",
      ...(path === "" ? {} : { field: path }),
      message: `${where}: ${message}.`,
      remedy,
    });
    return draft;
  }
  const document = plain.value;
  if (!isJsonRecord(document)) {
    draft.problems.push({
      step: "",
      message: `Flow: expected a record with format, name, steps and links, found ${describeValue(document)}.`,
      remedy: `Send a flow document; it begins with "format": "${FORMAT}".`,
    });
    return draft;
  }
  readTop(document, draft);
  readSteps(document.steps, draft);
  flow.links = readList<Link>("links", document.links, linkSchema, draft) ?? [];
  if (document.brief !== undefined) flow.brief = readRecord("brief", document.brief, briefSchema, draft);
  if (document.settings !== undefined) flow.settings = readRecord("settings", document.settings, settingsSchema, draft);
  if (document.layout !== undefined) flow.layout = readLayout(document.layout, draft);
  draft.flow = inOrder(flow);
  const more = draft.problems.length - MOST_PROBLEMS;
  if (more > 0) {
    draft.problems.length = MOST_PROBLEMS;
    draft.problems.push({
      step: "",
      message: `Flow: ${more} more problems are not listed.`,
      remedy: "Mend these first.",
    });
  }
  return draft;
}

function plainSafely(input: unknown): ReturnType<typeof plainCopy> {
  try {
    return plainCopy(input);
  } catch {
    // a getter or a proxy that throws
    return {
      ok: false,
      unusable: {
        path: "",
        message: "expected plain data, found an object that cannot be read",
        remedy: "Send JSON or YAML.",
      },
    };
  }
}

/** format, name, assumptions and names that do not belong here */
function readTop(document: { [name: string]: Json }, draft: Draft): void {
  const { shape } = flowSchema;
  const { brief, settings, layout, steps, links, assumptions, ...rest } = document;
  const top = flowSchema.pick({ format: true, name: true });
  const parsed = top.safeParse(rest);
  if (!parsed.success) {
    // names that belong to other parts of the document are known, too
    const all = flowSchema as z.ZodType;
    draft.problems.push(...problemsOf(parsed.error.issues, document, all, { step: "", whose: "Flow" }));
  }
  const name = shape.name.safeParse(document.name);
  if (name.success) draft.flow.name = name.data;
  if (assumptions !== undefined) draft.flow.assumptions = readList("assumptions", assumptions, assumptionSchema, draft);
}

function readSteps(input: Json | undefined, draft: Draft): void {
  if (input === undefined) return;
  if (!Array.isArray(input)) {
    draft.problems.push(notAList("steps", input));
    return;
  }
  const most = 2_000;
  if (input.length > most) draft.problems.push(tooMany("steps", most, input.length));
  for (const [index, raw] of input.slice(0, most).entries()) {
    const result = readStep(raw, index);
    if (result.step) draft.flow.steps.push(result.step);
    else {
      draft.broken.push(result.broken);
      draft.problems.push(...result.problems);
    }
  }
}

type StepRead = { step: Step } | { step?: undefined; broken: BrokenStep; problems: Problem[] };

function readStep(raw: Json, index: number): StepRead {
  const nameless = `steps[${index}]`;
  if (!isJsonRecord(raw)) {
    const message = `Step ${index + 1} of the flow: expected a record with id and kind, found ${describeValue(raw)}.`;
    return {
      broken: { id: nameless, raw },
      problems: [{ step: nameless, message, remedy: "Write it as { id, kind, … }." }],
    };
  }
  const id = typeof raw.id === "string" && raw.id !== "" ? raw.id.slice(0, 100) : nameless;
  const broken: BrokenStep = { id, raw };
  if (typeof raw.kind === "string") broken.kind = raw.kind.slice(0, 100);
  if (typeof raw.title === "string") broken.title = raw.title.slice(0, 200);
  const whose = `Step “${id}”`;
  const kind = raw.kind;
  if (typeof kind !== "string" || !Object.hasOwn(stepSchemas, kind)) {
    return { broken, problems: [unknownKind(id, whose, kind)] };
  }
  const schema: z.ZodType<Step> = stepSchemas[kind as keyof typeof stepSchemas];
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { step: parsed.data };
  return { broken, problems: problemsOf(parsed.error.issues, raw, schema, { step: id, whose }) };
}

function unknownKind(step: string, whose: string, kind: Json | undefined): Problem {
  const known = Object.keys(stepSchemas);
  const list = known.map((name) => `“${name}”`).join(", ");
  const near = typeof kind === "string" ? nearest(kind, known) : undefined;
  const later = typeof kind === "string" && LATER.includes(kind);
  return {
    step,
    field: "kind",
    message: later
      ? `${whose}: steps of kind “${kind}” are not available in this version.`
      : `${whose}, field “kind”: expected one of ${list}, found ${describeValue(kind)}.`,
    remedy: near ? `Did you mean “${near}”?` : later ? `Use one of ${list}.` : "Choose one of these kinds.",
  };
}

/** Each entry by itself: a bad one is reported and left out. */
function readList<T>(name: string, input: Json | undefined, schema: z.ZodType<T>, draft: Draft): T[] | undefined {
  if (input === undefined) return undefined;
  if (!Array.isArray(input)) {
    draft.problems.push(notAList(name, input));
    return undefined;
  }
  const most = name === "links" ? 20_000 : 500;
  if (input.length > most) draft.problems.push(tooMany(name, most, input.length));
  const list: T[] = [];
  for (const [index, raw] of input.slice(0, most).entries()) {
    const parsed = schema.safeParse(raw);
    if (parsed.success) list.push(parsed.data);
    else {
      const place = { step: "", whose: "Flow", prefix: `${name}[${index}]` };
      draft.problems.push(...problemsOf(parsed.error.issues, raw, schema, place));
    }
  }
  return list;
}

/** Each setting by itself: a bad one is reported and left out. */
function readRecord<T>(name: string, input: Json, schema: z.ZodType<T>, draft: Draft): T | undefined {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  draft.problems.push(...problemsOf(parsed.error.issues, input, schema, { step: "", whose: "Flow", prefix: name }));
  if (!isJsonRecord(input)) return undefined;
  const bad = new Set(
    parsed.error.issues.flatMap((issue) => (issue.path.length > 0 ? [issue.path[0]] : unrecognized(issue))),
  );
  const rest = Object.fromEntries(Object.entries(input).filter(([key]) => !bad.has(key)));
  const second = schema.safeParse(rest);
  return second.success ? second.data : undefined;
}

function unrecognized(issue: z.core.$ZodIssue): string[] {
  return issue.code === "unrecognized_keys" ? issue.keys : [];
}

function readLayout(input: Json, draft: Draft): NonNullable<Flow["layout"]> {
  const layout: NonNullable<Flow["layout"]> = {};
  if (!isJsonRecord(input)) {
    const message = `Flow, field “layout”: expected a record of positions by step id, found ${describeValue(input)}.`;
    draft.problems.push({
      step: "",
      field: "layout",
      message,
      remedy: "Write it as { orders: [0, 0] }, or leave it out.",
    });
    return layout;
  }
  for (const [id, position] of Object.entries(input)) {
    const parsed = positionSchema.safeParse(position);
    if (parsed.success && !(id in Object.prototype)) layout[id] = parsed.data;
    else {
      const message = `Flow, field “layout.${id.slice(0, 60)}”: expected a position such as [0, 120], found ${describeValue(position)}.`;
      draft.problems.push({
        step: "",
        field: `layout.${id.slice(0, 60)}`,
        message,
        remedy: "Correct it, or leave it out.",
      });
    }
  }
  return layout;
}

function notAList(name: string, found: Json): Problem {
  const message = `Flow, field “${name}”: expected a list, found ${describeValue(found)}.`;
  return { step: "", field: name, message, remedy: `Write “${name}” as a list: [ … ].` };
}

function tooMany(name: string, most: number, found: number): Problem {
  const message = `Flow, field “${name}”: expected at most ${most} entries, found ${found}.`;
  return { step: "", field: name, message, remedy: "Split the flow in several." };
}

/** Names in the order of the schema, absent ones left out. */
function inOrder(flow: Flow): Flow {
  const { format, name, brief, assumptions, steps, links, settings, layout } = flow;
  return {
    format,
    name,
    ...(brief ? { brief } : {}),
    ...(assumptions ? { assumptions } : {}),
    steps,
    links,
    ...(settings ? { settings } : {}),
    ...(layout ? { layout } : {}),
  };
}

/** The brief's fields that still have to be answered. */
export function unansweredBrief(flow: Flow): (typeof BRIEF_FIELDS)[number][] {
  return BRIEF_FIELDS.filter((field) => (flow.brief?.[field] ?? "").trim() === "");
}
