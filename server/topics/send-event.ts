/** One event to one subscriber: a CloudEvent in structured mode, signed as Standard Webhooks describe. */
import { createHmac } from "node:crypto";
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import { createHttp } from "../../connectors/sdk/http.ts";
import { standardKey } from "../intake/signature.ts";
import { secretOf } from "./subscriptions.ts";

const TIMEOUT_MS = 15_000;

export type DueDelivery = {
  subscription: string;
  event: string;
  workspaceId: string;
  attempts: number;
  /** the subscriber was down when this was claimed: it shows whether it is back */
  probe: boolean;
  url: string;
  name: string;
  secret: Uint8Array;
  topic: string;
  eventId: string;
  source: string;
  type: string;
  subject: string | null;
  at: Date;
  data: unknown;
};

/** Given by what stands in front of a system that does not answer. */
const GATEWAY = [502, 504];

/** The subscriber wants no events any more. */
export class SubscriberGone extends IntegrationError {
  constructor(name: string) {
    const message = `${name} answered 410: it wants no more events. Sending to it is paused, and what waits is kept; resume it when that was a mistake, else remove it.`;
    super(message, { kind: "settings", code: "subscriber-gone" });
  }
}

/**
 * @throws SubscriberGone
 * @throws IntegrationError for anything else but a 2xx answer
 */
export async function sendEvent(due: DueDelivery, now: Date): Promise<void> {
  const { workspaceId, subscription, url, name, secret } = due;
  const body = {
    specversion: "1.0",
    ...{ id: due.eventId, source: due.source, type: due.type },
    ...(due.subject === null ? {} : { subject: due.subject }),
    time: due.at.toISOString(),
    datacontenttype: "application/json",
    data: due.data,
  };
  const id = `${subscription}.${due.event}`;
  const seconds = String(Math.floor(now.getTime() / 1000));
  const signature = signStandard(secretOf(workspaceId, subscription, secret), id, seconds, JSON.stringify(body));
  const { origin, pathname, search } = new URL(url);
  const http = createHttp({
    name,
    baseUrl: origin,
    allowPrivateNetwork: process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK === "true",
    timeoutMs: TIMEOUT_MS,
  });
  try {
    const { status } = await http.request("POST", `${pathname}${search}`, {
      body,
      headers: {
        "content-type": "application/cloudevents+json",
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": signature,
      },
      about: "list",
      ok: [410, ...GATEWAY],
      statusOnly: true, // many frameworks answer “OK” as HTML
    });
    // Standard Webhooks, “Deliverability and reliability”: a receiver that answers 410 is not sent anything further
    if (status === 410) throw new SubscriberGone(name);
    if (GATEWAY.includes(status)) {
      const message = `${name} is not available just now (${status} for POST ${pathname}).`;
      throw new IntegrationError(message, { kind: "transient", code: "unavailable" });
    }
  } finally {
    await http.close();
  }
}

/** Source: github.com/standard-webhooks/standard-webhooks, “Signature scheme”: v1, HMAC-SHA256 of id.timestamp.body. */
export function signStandard(secret: string, id: string, seconds: string, body: string): string {
  return `v1,${createHmac("sha256", standardKey(secret)).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}
