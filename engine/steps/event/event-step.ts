import type { Field } from "../../../connectors/sdk/types.ts";
import { declaredShape } from "../declared-shape.ts";
import { defineStep, type Shape, type StepSite } from "../define-step.ts";
import { topicProblems } from "../topic.ts";
import { count } from "../words.ts";
import { type EventStep, eventSchema } from "./schema.ts";

/** What an event says of itself (CloudEvents 1.0, “Context Attributes”). */
const ATTRIBUTES: Field[] = [
  { name: "id", type: "text", nullable: false },
  { name: "source", type: "text", nullable: false },
  { name: "type", type: "text", nullable: false },
  { name: "subject", type: "text", nullable: true },
  { name: "time", type: "datetime", nullable: false },
];

export const eventStep = defineStep<EventStep>({
  kind: "event",
  role: "trigger",
  title: "Event",
  summary: "Starts the flow for each event of a topic, published by another flow or from outside.",
  icon: "radio",
  tint: "teal",
  schema: eventSchema,
  ports: () => [{ name: "out", title: "Events" }],
  output: (site) => ({ out: shapeOf(site) }),
  problems: ({ step }) => topicProblems(step),
  notes: ({ step, world }) => {
    if (step.fields !== undefined || step.sample !== undefined || world.learnt?.has(step.id)) return [];
    const message = "No event has arrived yet and no sample is given, so its fields are not known.";
    return [{ step: step.id, message: `${message} Publish one, paste a sample, or name the fields yourself.` }];
  },
  describe: ({ topic, types }) =>
    topic === "" ? "no topic yet" : `${topic}, ${types ? count(types.length, "type") : "all types"}`,
  draft: () => ({ kind: "event", topic: "" }),
  examples: [],
});

function shapeOf({ step, world }: StepSite<EventStep>): Shape {
  const shape = declaredShape(step, world.learnt?.get(step.id));
  if (step.attributes === undefined || shape.fields.some(({ name }) => name === step.attributes)) return shape;
  return {
    ...shape,
    fields: [...shape.fields, { name: step.attributes, type: "record", nullable: false, fields: ATTRIBUTES }],
  };
}
