import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { verifySignature } from "./signature.ts";

type Vector = {
  name: string;
  secret: string;
  headers: { [name: string]: string };
  body: string;
  now: number;
  expect: "accept" | "reject";
};

const file = new URL("../../../shared/data/webhooks/standardwebhooks-vectors.json", import.meta.url);
const vectors: Vector[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
if (vectors.length === 0)
  console.warn("Skipped: the Standard Webhooks vectors are not here (../shared/data/webhooks).");

describe.skipIf(vectors.length === 0)("Standard Webhooks", () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const { headers, secret, now } = vector;
    const given = { headers, body: Buffer.from(vector.body), secrets: [secret], nowS: now };
    expect(verifySignature("standard-webhooks", given).ok).toBe(vector.expect === "accept");
  });
});

const body = Buffer.from('{"id":1,"name":"Zoë"}');
const secret = "it is a secret";
const hmac = (text: string | Buffer, key = secret) => createHmac("sha256", key).update(text);
const nowS = 1_800_000_000;

describe("other senders", () => {
  it("GitHub signs the body in hex", () => {
    const headers = { "x-hub-signature-256": `sha256=${hmac(body).digest("hex")}` };
    expect(verifySignature("github", { headers, body, secrets: [secret], nowS })).toEqual({ ok: true });
    expect(verifySignature("github", { headers, body: Buffer.from("{}"), secrets: [secret], nowS })).toMatchObject({
      code: "signature-invalid",
    });
    expect(verifySignature("github", { headers: {}, body, secrets: [secret], nowS })).toMatchObject({
      code: "signature-missing",
    });
  });

  it("GitHub's own example holds", () => {
    // docs.github.com, “Validating webhook deliveries”, “Testing the webhook payload validation”
    const headers = {
      "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    };
    const given = { headers, body: Buffer.from("Hello, World!"), secrets: ["It's a Secret to Everybody"], nowS };
    expect(verifySignature("github", given)).toEqual({ ok: true });
  });

  it("Stripe signs time and body, and old signatures are refused", () => {
    const signed = (t: number) => ({
      "stripe-signature": `t=${t},v0=00,v1=${hmac(`${t}.${body.toString()}`).digest("hex")}`,
    });
    expect(verifySignature("stripe", { headers: signed(nowS - 200), body, secrets: [secret], nowS })).toEqual({
      ok: true,
    });
    expect(verifySignature("stripe", { headers: signed(nowS - 301), body, secrets: [secret], nowS })).toMatchObject({
      code: "signature-expired",
    });
  });

  it("Shopify signs the body in base64", () => {
    const headers = { "x-shopify-hmac-sha256": hmac(body).digest("base64") };
    expect(verifySignature("shopify", { headers, body, secrets: [secret], nowS })).toEqual({ ok: true });
    expect(verifySignature("shopify", { headers, body, secrets: ["another"], nowS }).ok).toBe(false);
  });

  it("any of several secrets will do while a sender changes over", () => {
    const headers = { "x-hub-signature-256": `sha256=${hmac(body, "old").digest("hex")}` };
    expect(verifySignature("github", { headers, body, secrets: ["new", "old"], nowS })).toEqual({ ok: true });
    expect(verifySignature("github", { headers, body, secrets: [], nowS }).ok).toBe(false);
  });
});
