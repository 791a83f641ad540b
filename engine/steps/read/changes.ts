/** What following changes asks of a read step and its stream. */
import type { ChangeKind } from "../../../connectors/sdk/changes.ts";
import type { Field, JsonRecord, StreamInfo } from "../../../connectors/sdk/types.ts";
import { streamOf } from "../connection.ts";
import type { Note, Problem, StepSite } from "../define-step.ts";
import { atField, list, stepName } from "../words.ts";
import type { ReadStep } from "./schema.ts";

export const CHANGE_KINDS = ["create", "update", "delete", "read"] as const satisfies ChangeKind[];

/** Where nothing records the changes, the stream is looked at this often. */
export const LOOK_EVERY = "5m";

/** The field that tells what happened to a record, when the step names one. */
export function operationFieldOf({ sync, operationField }: ReadStep): Field | undefined {
  if (sync !== "changes" || operationField === undefined) return undefined;
  return { name: operationField, type: "text", nullable: false, options: [...CHANGE_KINDS] };
}

/** Puts what happened to each record into the field the step names; without `kinds` they were only read. */
export function tellKinds(step: ReadStep, records: JsonRecord[], kinds?: ChangeKind[]): JsonRecord[] {
  const field = operationFieldOf(step)?.name;
  if (field === undefined) return records;
  return records.map((record, index) => ({ ...record, [field]: kinds?.[index] ?? "read" }));
}

export function changesProblems(site: StepSite<ReadStep>): Problem[] {
  const { step, world } = site;
  const say = (field: string, what: string, remedy: string): Problem => {
    return { step: step.id, field, message: `${atField(step, field)}: ${what}.`, remedy };
  };
  if (step.sync !== "changes")
    return (["deletes", "operationField", "existing"] as const)
      .filter((name) => step[name] !== undefined)
      .map((name) =>
        say(name, `found “${step[name]}”, but only sync: changes uses it`, "Set sync to changes, or remove it."),
      );
  const problems: Problem[] = [];
  const stream = streamOf(world, step.connection, step.stream);
  if (stream && (!stream.watch || stream.watch.state === "impossible")) {
    const why = stream.watch?.note ?? `its connection cannot follow the changes of “${step.stream}”.`;
    problems.push(
      say("sync", `“${step.stream}” cannot be followed as it changes: ${withoutStop(why)}`, otherWay(stream)),
    );
  }
  if (step.cron !== undefined)
    problems.push(
      say(
        "cron",
        "found a schedule, but changes start the flow by themselves",
        "Remove it. For the time between looks while nothing records the changes, set every.",
      ),
    );
  if (step.deletes === "pass" && step.operationField === undefined)
    problems.push(
      say(
        "operationField",
        "expected a field that tells deleted records from others, as deletes are passed on, found none",
        "Name a new field, such as change; a branch by it can lead deleted records to a write that deletes.",
      ),
    );
  if (step.operationField !== undefined && stream?.fields.some(({ name }) => name === step.operationField))
    problems.push(
      say("operationField", `the stream has a field “${step.operationField}” of its own`, "Choose another name."),
    );
  return problems;
}

/** How changes are found while nothing records them. */
export function changesNotes({ step, world }: StepSite<ReadStep>): Note[] {
  if (step.sync !== "changes") return [];
  const watch = streamOf(world, step.connection, step.stream)?.watch;
  if (!watch || watch.state === "on" || watch.state === "impossible") return [];
  const by = step.watermark === undefined ? "read in full" : `read by ${step.watermark}`;
  const lost = step.deletes === "pass" ? " Deleted records are not seen that way." : "";
  const until = `Until then it is ${by} every ${step.every ?? LOOK_EVERY}, not as it changes.${lost}`;
  const message = `${stepName(step)}: ${watch.note ?? "Its changes are not recorded yet."} ${until}`;
  return [{ step: step.id, field: "sync", message }];
}

/** Deleted records are passed on, and no step tells them from others: they would be written like any other. */
export function unheededDeletes({ steps }: { steps: readonly { kind: string }[] }): Note[] {
  const trigger = steps.find((step): step is ReadStep => step.kind === "read");
  const field = trigger?.sync === "changes" && trigger.deletes === "pass" ? trigger.operationField : undefined;
  if (!trigger || field === undefined) return [];
  if (steps.some((step) => step !== trigger && JSON.stringify(step).includes(field))) return [];
  const message = `${stepName(trigger)}: deleted records are passed on, but no step looks at “${field}”: they would be written like any other. Let a branch lead those whose “${field}” is delete to a write that deletes.`;
  return [{ step: trigger.id, field: "deletes", message }];
}

const withoutStop = (text: string) => text.replace(/\.$/, "");

function otherWay({ watermarks }: StreamInfo): string {
  if (watermarks.length === 0) return "Read in full, on a schedule.";
  return `Read what changed by a watermark (sync: incremental, ${list(watermarks, 3)}), on a schedule.`;
}
