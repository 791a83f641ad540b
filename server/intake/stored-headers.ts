/** The headers of a delivery as they are kept and shown: without what proves identity. */
import type { IncomingHttpHeaders } from "node:http";

const HIDDEN = "•••";
const SECRET = /auth(?!or\b)|cookie|token|secret|passw|credential|signature|hmac|(?:^|-)(?:api)?key(?:-|$)/i;
const LONGEST = 2_000;
const MOST = 100;

const secretNames = new Map<string, boolean>();

function isSecret(name: string): boolean {
  let secret = secretNames.get(name);
  if (secret === undefined) {
    secret = SECRET.test(name);
    if (secretNames.size > 1_000) secretNames.clear();
    secretNames.set(name, secret);
  }
  return secret;
}

/** JSON text of the headers. */
export function storedHeaders(headers: IncomingHttpHeaders): string {
  const kept: { [name: string]: string } = {};
  let count = 0;
  for (const name in headers) {
    if (++count > MOST) break;
    const value = headers[name];
    if (value === undefined) continue;
    const text = typeof value === "string" ? value : value.join(", ");
    kept[name] = isSecret(name) ? HIDDEN : text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  }
  return JSON.stringify(kept);
}
