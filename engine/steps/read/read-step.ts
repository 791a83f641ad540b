import { cronProblem } from "../../flow/schedule.ts";
import { cronText, everyText } from "../../flow/timing-text.ts";
import { nearest } from "../../mapping/nearest.ts";
import { placeProblems, streamOf, unavailableNotes, unreadableNotes } from "../connection.ts";
import { defineStep, type Problem, type Shape, type StepSite } from "../define-step.ts";
import { atField, list } from "../words.ts";
import { changesNotes, changesProblems, operationFieldOf } from "./changes.ts";
import { type ReadStep, readSchema } from "./schema.ts";

export const readStep = defineStep<ReadStep>({
  kind: "read",
  role: "trigger",
  title: "Read",
  summary: "Reads the records of a stream: all of them, what changed since the last run, or each one as it changes.",
  icon: "database",
  tint: "teal",
  schema: readSchema,
  ports: () => [{ name: "out", title: "Records" }],
  output: (site) => ({ out: shapeRead(site) }),
  problems: (site) => [
    ...placeProblems(site.step, site.world, "stream", site.step.stream),
    ...watermarkProblems(site),
    ...changesProblems(site),
    ...timingProblems(site.step),
  ],
  notes: (site) => [
    ...unavailableNotes(site.step, site.world.connections.get(site.step.connection), `stream “${site.step.stream}”`),
    ...unreadableNotes(site.step, streamOf(site.world, site.step.connection, site.step.stream)),
    ...changesNotes(site),
  ],
  describe,
  draft: () => ({ kind: "read", connection: "", stream: "", sync: "full" }),
  examples: [],
});

/** Fields of the stream; open while nobody knows them. */
function shapeRead({ step, world }: StepSite<ReadStep>): Shape {
  const fields = streamOf(world, step.connection, step.stream)?.fields ?? world.learnt?.get(step.id) ?? [];
  const operation = operationFieldOf(step);
  const known = operation && !fields.some(({ name }) => name === operation.name) ? [...fields, operation] : fields;
  return { fields: known, open: fields.length === 0 };
}

function watermarkProblems({ step, world }: StepSite<ReadStep>): Problem[] {
  const { watermark } = step;
  const say = (what: string, remedy: string): Problem[] => [
    { step: step.id, field: "watermark", message: `${atField(step, "watermark")}: ${what}.`, remedy },
  ];
  if (step.sync === "changes" && watermark === undefined) return [];
  if (step.sync !== "incremental" && step.sync !== "changes") {
    return watermark === undefined
      ? []
      : say(
          `found “${watermark}”, but only sync: incremental and changes use a watermark`,
          "Set sync to incremental, or remove the watermark.",
        );
  }
  const stream = streamOf(world, step.connection, step.stream);
  const offered = stream && stream.watermarks.length > 0 ? `Choose ${list(stream.watermarks)}.` : undefined;
  if (watermark === undefined) {
    return say(
      "expected the field by which changes are found, found none",
      offered ?? "Choose a field that grows with every change, or read in full.",
    );
  }
  if (!stream || stream.fields.length === 0) return [];
  if (stream.watermarks.includes(watermark)) return [];
  const names = stream.fields.map(({ name }) => name);
  if (!names.includes(watermark)) {
    const close = nearest(watermark, stream.watermarks) ?? nearest(watermark, names);
    return say(
      `stream “${step.stream}” has no field “${watermark}”`,
      close ? `Did you mean “${close}”?` : (offered ?? "Read in full."),
    );
  }
  const remedy = offered ?? "Read in full: no field of this stream tells what changed.";
  return say(`“${watermark}” cannot tell what changed, it does not grow with every change`, remedy);
}

function timingProblems(step: ReadStep): Problem[] {
  const { every, cron, timeZone } = step;
  if (cron === undefined || step.sync === "changes") return [];
  const say = (what: string, remedy: string): Problem[] => [
    { step: step.id, field: "cron", message: `${atField(step, "cron")}: ${what}.`, remedy },
  ];
  if (every !== undefined) return say("found both every and cron", "Keep one of them.");
  const problem = cronProblem(cron, timeZone ?? "UTC");
  return problem ? say(problem, "Correct it: minute, hour, day of month, month, day of week.") : [];
}

function describe({ stream, sync, every, cron }: ReadStep): string {
  if (stream === "") return "no stream yet";
  if (sync === "changes") return `${stream}, as they change`;
  const when = every === undefined ? (cron === undefined ? "by hand" : cronText(cron)) : everyText(every);
  return `${sync === "incremental" ? "changed" : "all"} ${stream}, ${when}`;
}
