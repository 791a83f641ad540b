/** Events from outside, as CloudEvents 1.0 describes them over HTTP: structured, batched and binary. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Json } from "../../connectors/sdk/types.ts";
import { isTopic } from "../../engine/steps/topic.ts";
import type { ServerContext } from "../context.ts";
import { refuseUnstorable } from "../db/storable.ts";
import { Invalid } from "../errors.ts";
import { publishEvents, type TopicEvent } from "./publish-events.ts";

const text = z.string().min(1).max(1_000);

/** Source: github.com/cloudevents/spec, v1.0.2, “JSON Event Format”. Extensions are taken and not kept. */
const CloudEvent = z.looseObject({
  specversion: z.literal("1.0", { error: 'expected "1.0"' }),
  id: text,
  source: text,
  type: text.max(200),
  subject: text.optional(),
  time: z.iso.datetime({ offset: true, error: "expected a time such as 2026-11-23T10:00:00Z" }).optional(),
  datacontenttype: z.string().max(200).optional(),
  data: z.json().optional(),
  data_base64: z.string().optional(),
});

/** A request that is no CloudEvent: its body is the data of a new event. */
export const PublishOptions = z.object({
  type: text.max(200).default("record").describe("Type of an event that is no CloudEvent"),
  subject: text.optional(),
  id: text.optional().describe("Makes a repeat harmless"),
});

export type Headers = { [name: string]: string | undefined };

/**
 * Publishes what came. The content type says how: `application/cloudevents+json` one event, `application/cloudevents-batch+json`
 * a list of them; a header `ce-specversion` makes the body the data of the event the other `ce-` headers describe; anything else
 * is the data of a new event.
 *
 * @returns the event's ids, and how many were new: one published before is not handed on again
 * @throws Invalid when it does not fit
 */
export async function publishFromOutside(
  { pool, workspaceId, actor }: ServerContext,
  topic: string,
  { body, headers, options }: { body: unknown; headers: Headers; options: z.output<typeof PublishOptions> },
): Promise<{ ids: string[]; accepted: number }> {
  if (!isTopic(topic)) throw unfit("topic", "expected up to 100 letters, digits, dots, - and _");
  const source = `/${actor.kind === "token" ? "tokens" : "people"}/${encodeURIComponent(actor.name)}`;
  const events = readEvents(body, headers, { ...options, source }).map((event): TopicEvent => ({ ...event, topic }));
  for (const { data } of events) refuseUnstorable(data, "The event's data");
  const accepted = await publishEvents(pool, workspaceId, events, actor.name);
  return { ids: events.map(({ id }) => id), accepted };
}

type Plain = { type: string; subject?: string | undefined; id?: string | undefined; source: string };

/** The pure part. @throws Invalid */
export function readEvents(body: unknown, headers: Headers, plain: Plain): Omit<TopicEvent, "topic">[] {
  const type = (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/cloudevents-batch+json") {
    if (!Array.isArray(body)) throw unfit("", "expected a list of events");
    return body.map((event, at) => readOne(event, `${at}.`));
  }
  if (type === "application/cloudevents+json") return [readOne(body, "")];
  if (headers["ce-specversion"] !== undefined) return [readBinary(body, headers)];
  if (body === undefined) throw unfit("", "expected the event's data as JSON");
  const { id = randomUUID(), subject, source } = plain;
  const given = { id, source, type: plain.type, time: new Date().toISOString(), data: body as Json };
  return [subject === undefined ? given : { ...given, subject }];
}

function readOne(value: unknown, prefix: string): Omit<TopicEvent, "topic"> {
  const read = CloudEvent.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw unfit(`${prefix}${issue?.path.join(".") ?? ""}`, issue?.message ?? "expected a CloudEvent");
  }
  const { id, source, type, subject, time, data, data_base64: bytes, datacontenttype } = read.data;
  if (bytes !== undefined) throw unfit(`${prefix}data_base64`, "expected JSON in “data”; binary data is not taken");
  if (datacontenttype !== undefined && !/json/i.test(datacontenttype))
    throw unfit(`${prefix}datacontenttype`, `expected JSON, found ${datacontenttype}`);
  return {
    ...{ id, source, type },
    time: time ?? new Date().toISOString(),
    data: (data ?? {}) as Json,
    ...(subject === undefined ? {} : { subject }),
  };
}

/** `ce-` headers; their values are percent-encoded where they hold more than plain ASCII. */
function readBinary(data: unknown, headers: Headers): Omit<TopicEvent, "topic"> {
  const attributes = Object.fromEntries(
    ["specversion", "id", "source", "type", "subject", "time"].flatMap((name) => {
      const value = headers[`ce-${name}`];
      return value === undefined ? [] : [[name, decoded(value)]];
    }),
  );
  return readOne({ ...attributes, ...(data === undefined ? {} : { data }) }, "");
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function unfit(path: string, message: string): Invalid {
  const place = path === "" ? "" : ` “${path}”:`;
  return new Invalid(`The event does not fit:${place} ${message}.`, [{ path, message }]);
}
