/** Addresses a connector asks: the base URL, and what is added to it. */
import { IntegrationError, quote } from "./errors.ts";
import type { Json } from "./types.ts";

export type Query = Record<string, Json | undefined>;

export function baseOf(name: string, baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new IntegrationError(`${name}: the base URL must begin with http:// or https://, found ${quote(baseUrl)}.`, {
      kind: "settings",
      code: "base-url",
    });
  return url;
}

/** Base and path joined; whole URLs only within the origin of the base, so that credentials go nowhere else. */
export function urlFor(name: string, base: URL, path: string, query: Query = {}): URL {
  const whole = /^https?:\/\//i.test(path);
  const url = whole
    ? new URL(path)
    : new URL(
        base.origin + base.pathname.replace(/\/$/, "") + (path.startsWith("/") || path === "" ? path : `/${path}`),
      );
  if (url.origin !== base.origin)
    throw new IntegrationError(
      `${name} points to ${quote(url.origin)}, another host than the base URL's ${quote(base.origin)}; the credentials are not sent there.`,
      {
        kind: "settings",
        code: "other-host",
      },
    );
  for (const [key, value] of base.searchParams) if (!url.searchParams.has(key)) url.searchParams.set(key, value);
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    url.searchParams.delete(key);
    for (const one of Array.isArray(value) ? value : [value])
      url.searchParams.append(key, typeof one === "object" ? JSON.stringify(one) : String(one));
  }
  return url;
}
