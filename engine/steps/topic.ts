/** What steps that publish and steps that listen share: the name of a topic and the type of an event. */
import { z } from "zod";
import type { Problem } from "./define-step.ts";
import { atField } from "./words.ts";

/** Type of an event whose step names none. */
export const PLAIN_TYPE = "record";

const TOPIC = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const isTopic = (name: string) => TOPIC.test(name);

/** May be empty in a draft; validation asks for it. */
export const topicName = z
  .string()
  .regex(/^$|^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: "expected up to 100 letters, digits, dots, - and _" })
  .meta({ title: "Topic", description: "Name under which events are passed on, such as orders or stock.changed" });

export const eventType = z
  .string()
  .min(1, { error: "expected a type such as order.created" })
  .max(200)
  .meta({ title: "Type", description: "What happened, as CloudEvents call it: order.created" });

export function topicProblems(step: { id: string; title?: string | undefined; topic: string }): Problem[] {
  if (step.topic !== "") return [];
  const message = `${atField(step, "topic")}: expected the name of a topic, found none.`;
  return [{ step: step.id, field: "topic", message, remedy: "Name the topic; it need not exist before." }];
}
