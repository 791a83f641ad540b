/** Proof that a request comes from who holds the secret. Every scheme is an HMAC-SHA256 over the body as it was sent. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { SignatureScheme } from "../../engine/steps/webhook/schema.ts";

/** A signature's time may differ from ours by so much, either way (Standard Webhooks, “Verifying webhook authenticity”). */
const TOLERANCE_S = 300;

export type Verdict =
  | { ok: true }
  | { ok: false; code: "signature-missing" | "signature-invalid" | "signature-expired"; message: string };

type Given = { headers: IncomingHttpHeaders; body: Uint8Array; secrets: readonly string[]; nowS: number };

/**
 * Checks the signature; any of `secrets` may have made it (a sender that changes over). Compares in constant time.
 *
 * Sources: github.com/standard-webhooks/standard-webhooks/spec; docs.github.com “Validating webhook deliveries”;
 * docs.stripe.com/webhooks#verify-manually; shopify.dev “Deliver webhooks through HTTPS”, step “Validate”.
 */
export function verifySignature(scheme: SignatureScheme, given: Given): Verdict {
  switch (scheme) {
    case "none":
      return { ok: true };
    case "standard-webhooks":
      return standardWebhooks(given);
    case "github":
      return github(given);
    case "stripe":
      return stripe(given);
    case "shopify":
      return shopify(given);
  }
}

function standardWebhooks({ headers, body, secrets, nowS }: Given): Verdict {
  const id = one(headers["webhook-id"]);
  const time = one(headers["webhook-timestamp"]);
  const signatures = one(headers["webhook-signature"]);
  if (!id || !time || !signatures) return missing("webhook-id, webhook-timestamp and webhook-signature");
  const late = timeProblem(time, nowS);
  if (late) return late;
  const found = signatures
    .split(" ")
    .filter((signature) => signature.startsWith("v1,"))
    .map((signature) => Buffer.from(signature.slice(3), "base64"));
  return matches(secrets.map(standardKey), `${id}.${time}.`, body, found);
}

/** `whsec_` and base64; a secret in another form is taken as it is. */
export function standardKey(secret: string): Buffer {
  const text = secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64").replace(/=+$/, "") === text.replace(/=+$/, "") ? bytes : Buffer.from(secret);
}

function github({ headers, body, secrets }: Given): Verdict {
  const signature = one(headers["x-hub-signature-256"]);
  if (!signature) return missing("x-hub-signature-256");
  const [, hex] = signature.match(/^sha256=([0-9a-f]{64})$/i) ?? [];
  return matches(secrets.map(plainKey), "", body, hex ? [Buffer.from(hex, "hex")] : []);
}

function stripe({ headers, body, secrets, nowS }: Given): Verdict {
  const header = one(headers["stripe-signature"]);
  if (!header) return missing("stripe-signature");
  const parts = header.split(",").map((part) => part.trim().split("=", 2) as [string, string?]);
  const time = parts.find(([name]) => name === "t")?.[1] ?? "";
  const late = timeProblem(time, nowS);
  if (late) return late;
  const found = parts.filter(([name]) => name === "v1").map(([, hex]) => Buffer.from(hex ?? "", "hex"));
  return matches(secrets.map(plainKey), `${time}.`, body, found);
}

function shopify({ headers, body, secrets }: Given): Verdict {
  const signature = one(headers["x-shopify-hmac-sha256"]);
  if (!signature) return missing("x-shopify-hmac-sha256");
  return matches(secrets.map(plainKey), "", body, [Buffer.from(signature, "base64")]);
}

const plainKey = (secret: string) => Buffer.from(secret);
const one = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);

function matches(keys: Buffer[], prefix: string, body: Uint8Array, found: Buffer[]): Verdict {
  let ok = false;
  for (const key of keys) {
    const expected = createHmac("sha256", key).update(prefix).update(body).digest();
    for (const signature of found)
      if (signature.length === expected.length && timingSafeEqual(signature, expected)) ok = true;
  }
  if (ok) return { ok: true };
  const message =
    "The signature does not fit this body and secret. Sign the body exactly as it is sent, with the flow's current secret.";
  return { ok: false, code: "signature-invalid", message };
}

function timeProblem(time: string, nowS: number): Verdict | undefined {
  const sent = /^\d{1,12}$/.test(time) ? Number(time) : Number.NaN;
  if (Math.abs(nowS - sent) <= TOLERANCE_S) return undefined;
  const found = Number.isNaN(sent) ? "no time in seconds" : `${Math.round(nowS - sent)} s between its time and ours`;
  const message = `The signature's time is not within ${TOLERANCE_S / 60} minutes of ours: found ${found}. Sign when sending, and set the sender's clock.`;
  return { ok: false, code: "signature-expired", message };
}

function missing(names: string): Verdict {
  const message = `Expected the header ${names}: this flow only takes signed events. Sign with the flow's secret.`;
  return { ok: false, code: "signature-missing", message };
}
