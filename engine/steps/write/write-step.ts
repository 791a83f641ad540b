import type { Field, Operation, SinkInfo } from "../../../connectors/sdk/types.ts";
import { nearest } from "../../mapping/nearest.ts";
import { placeProblems, sinkOf, unavailableNotes } from "../connection.ts";
import { defineStep, type Note, type Problem, type Shape, type StepSite } from "../define-step.ts";
import { atField, list, stepName } from "../words.ts";
import { misfit } from "./fits.ts";
import { type WriteStep, writeSchema } from "./schema.ts";

const operationWords: Record<Operation, string> = {
  upsert: "create or update",
  insert: "create",
  update: "update",
  delete: "delete",
};

export const writeStep = defineStep<WriteStep>({
  kind: "write",
  role: "end",
  title: "Write",
  summary: "Writes records into a sink: new ones, changes, both, or deletions.",
  icon: "database",
  tint: "green",
  schema: writeSchema,
  ports: () => [],
  output: () => ({}),
  problems(site) {
    const { step, world } = site;
    const places = placeProblems(step, world, "sink", step.sink);
    const sink = sinkOf(world, step.connection, step.sink);
    if (!sink) return [...places, ...matchMissing(step)];
    return [...places, ...operationProblems(step, sink), ...matchProblems(site, sink), ...fieldProblems(site, sink)];
  },
  notes({ step, world }) {
    const sink = sinkOf(world, step.connection, step.sink);
    return sink
      ? sinkNotes(step, sink)
      : unavailableNotes(step, world.connections.get(step.connection), `sink “${step.sink}”`);
  },
  describe: ({ sink, operation, match }) =>
    sink === ""
      ? "no sink yet"
      : `${operationWords[operation]}${match?.length ? ` by ${match.join(", ")}` : ` in ${sink}`}`,
  draft: () => ({ kind: "write", connection: "", sink: "", operation: "upsert", match: [] }),
  examples: [],
});

function operationProblems(step: WriteStep, sink: SinkInfo): Problem[] {
  if (sink.operations.includes(step.operation)) return [];
  const message = `${atField(step, "operation")}: sink “${sink.name}” does not offer ${step.operation}.`;
  return [{ step: step.id, field: "operation", message, remedy: `Choose ${list(sink.operations)}.` }];
}

function matchMissing(step: WriteStep, sink?: SinkInfo): Problem[] {
  if (step.operation === "insert" || step.match?.length) return [];
  const message = `${atField(step, "match")}: expected the target fields that find the existing record for ${step.operation}, found none.`;
  const known = sink?.matchKeys[0];
  return [
    {
      step: step.id,
      field: "match",
      message,
      remedy: known ? `Choose ${list(known)}.` : "Choose the fields that identify a record.",
    },
  ];
}

function matchProblems({ step, input }: StepSite<WriteStep>, sink: SinkInfo): Problem[] {
  const problems = matchMissing(step, sink);
  const names = sink.fields.map(({ name }) => name);
  for (const field of step.match ?? []) {
    if (!names.includes(field) && !sink.open) {
      const close = nearest(field, names);
      const message = `${atField(step, field)}: sink “${sink.name}” has no field “${field}” to match by.`;
      problems.push({
        step: step.id,
        field,
        message,
        remedy: close ? `Did you mean “${close}”?` : `Choose one of ${list(names)}.`,
      });
    } else if (!arrives(input, field)) {
      const message = `${atField(step, field)}: records are matched by “${field}”, but it does not arrive here.`;
      problems.push({
        step: step.id,
        field,
        message,
        remedy: `Map a source field to “${field}”, or match by another field.`,
      });
    }
  }
  return problems;
}

/** Required fields that do not arrive, fields the sink does not have, types that do not fit. */
function fieldProblems({ step, input }: StepSite<WriteStep>, sink: SinkInfo): Problem[] {
  const problems: Problem[] = [];
  const matched = new Set(step.match ?? []);
  const creates = step.operation === "insert" || step.operation === "upsert";
  const incoming = new Map(input.fields.map((field) => [field.name, field]));
  const targets = new Map(sink.fields.map((field) => [field.name, field]));
  for (const target of sink.fields) {
    const needed = target.required === true && target.default !== true && creates && !matched.has(target.name);
    if (needed && !incoming.has(target.name) && !input.open) {
      problems.push({
        step: step.id,
        field: target.name,
        message: `${atField(step, target.name)}: sink “${sink.name}” requires “${target.name}”, but nothing is mapped to it.`,
        remedy: `Map a source field to “${target.name}”, or set a value.`,
      });
    }
  }
  for (const field of input.fields) {
    // a delete sends only what finds the record
    if (step.operation === "delete" && !matched.has(field.name)) continue;
    const target = targets.get(field.name);
    if (target?.readOnly && !matched.has(field.name)) problems.push(filledThere(step, sink, field));
    else if (target) problems.push(...typeProblems(step, sink, field, target));
    else if (!sink.open) problems.push(noSuchField(step, sink, field, [...targets.keys()], incoming));
  }
  return problems;
}

function filledThere(step: WriteStep, sink: SinkInfo, { name }: Field): Problem {
  const message = `${atField(step, name)}: sink “${sink.name}” fills “${name}” itself; it cannot be written.`;
  return { step: step.id, field: name, message, remedy: `Leave “${name}” out in a map before this step.` };
}

function typeProblems(step: WriteStep, sink: SinkInfo, field: Field, target: Field): Problem[] {
  const found = misfit(field, target);
  if (!found) return [];
  const message = `${atField(step, target.name)}: sink “${sink.name}” ${found.found}.`;
  return [{ step: step.id, field: target.name, message, remedy: found.remedy }];
}

function noSuchField(
  step: WriteStep,
  sink: SinkInfo,
  field: Field,
  names: string[],
  incoming: Map<string, Field>,
): Problem {
  const close = nearest(
    field.name,
    names.filter((name) => !incoming.has(name)),
  );
  return {
    step: step.id,
    field: field.name,
    message: `${atField(step, field.name)}: sink “${sink.name}” has no field “${field.name}”.`,
    remedy: close ? `Did you mean “${close}”?` : "Add a map before this step that passes only fields the sink has.",
  };
}

function arrives(input: Shape, name: string): boolean {
  return input.open || input.fields.some((field) => field.name === name);
}

function sinkNotes(step: WriteStep, sink: SinkInfo): Note[] {
  const notes: Note[] = [];
  const match = [...(step.match ?? [])].sort();
  const known = sink.matchKeys.some(
    (key) => key.length === match.length && [...key].sort().every((name, index) => name === match[index]),
  );
  if (match.length > 0 && sink.matchKeys.length > 0 && !known) {
    const message = `${stepName(step)}: ${list(match)} is not known to be unique in “${sink.name}”; one record may match several.`;
    notes.push({ step: step.id, field: "match", message });
  }
  if (sink.undo !== "full") {
    const why = sink.undoNote ? ` ${sink.undoNote}` : "";
    const message = `${stepName(step)}: what it writes ${sink.undo === "none" ? "cannot be undone" : "can be undone only with loss"}.${why}`;
    notes.push({ step: step.id, message });
  }
  if (sink.effect === "at-least-once") {
    notes.push({
      step: step.id,
      message: `${stepName(step)}: after a crash a record may arrive twice in “${sink.name}”.`,
    });
  }
  return notes;
}
