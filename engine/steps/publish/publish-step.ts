import { defineStep, type Ended, type Published, type StepSite } from "../define-step.ts";
import { isEmpty, keyText, readerOf } from "../field-access.ts";
import { unknownField } from "../shape.ts";
import { PLAIN_TYPE, topicProblems } from "../topic.ts";
import { stepName } from "../words.ts";
import { type PublishStep, publishSchema } from "./schema.ts";

export const publishStep = defineStep<PublishStep>({
  kind: "publish",
  role: "end",
  title: "Publish",
  summary: "Tells other flows and outside subscribers: each record becomes an event of a topic.",
  icon: "megaphone",
  tint: "green",
  schema: publishSchema,
  ports: () => [],
  output: () => ({}),
  problems({ step, input }) {
    const unknown = step.subject === undefined ? undefined : unknownField(step, input, step.subject);
    return [...topicProblems(step), ...(unknown ? [unknown] : [])];
  },
  notes: ({ step }) => [
    {
      step: step.id,
      message: `${stepName(step)}: what it publishes cannot be undone; flows that listen have runs of their own, which can.`,
    },
  ],
  compile,
  describe: ({ topic, type }) => (topic === "" ? "no topic yet" : `${type ?? PLAIN_TYPE} to ${topic}`),
  draft: () => ({ kind: "publish", topic: "" }),
  examples: [
    {
      title: "each record becomes an event of the topic",
      step: { kind: "publish", topic: "orders", type: "order.created", subject: "order_no" },
      input: [{ order_no: "SO-1" }, { order_no: null }],
      published: [
        { topic: "orders", type: "order.created", subject: "SO-1", data: { order_no: "SO-1" } },
        { topic: "orders", type: "order.created", data: { order_no: null } },
      ],
      ended: [{ outcome: "created" }, { outcome: "created" }],
    },
  ],
});

function compile({ step }: StepSite<PublishStep>) {
  const read = step.subject === undefined ? undefined : readerOf(step.subject);
  const { topic, type = PLAIN_TYPE } = step;
  return (batch: { records: Published["data"][]; origins: number[] }) => {
    const ended: Ended[] = [];
    const published: Published[] = [];
    for (const [index, record] of batch.records.entries()) {
      const origin = batch.origins[index]!;
      const subject = read?.(record);
      published.push({
        origin,
        topic,
        type,
        ...(isEmpty(subject) ? {} : { subject: keyText(subject!) }),
        data: record,
      });
      ended.push({ origin, outcome: "created", record });
    }
    return { out: {}, ended, published };
  };
}
