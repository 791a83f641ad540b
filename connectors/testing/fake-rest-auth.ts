/** Every kind of sign-in the fake REST server knows. */
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Json } from "../sdk/types.ts";

export type FakeAuth =
  | { kind: "none" }
  | { kind: "basic"; username: string; password: string }
  | { kind: "bearer"; token: string }
  | { kind: "apiKey"; name: string; in: "header" | "query"; value: string }
  /** tokens are given at /oauth/token and live for `lifeS` */
  | { kind: "oauth2"; clientId: string; clientSecret: string; lifeS: number };

type Answer = { status: number; body?: Json; headers?: Record<string, string> };

export function fakeAuth(auth: FakeAuth) {
  const tokens = new Map<string, number>();
  const same = (found: unknown, wanted: string) => found === wanted;

  function allowed(headers: IncomingHttpHeaders, url: URL): boolean {
    switch (auth.kind) {
      case "none":
        return true;
      case "basic":
        return same(
          headers.authorization,
          `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`,
        );
      case "bearer":
        return same(headers.authorization, `Bearer ${auth.token}`);
      case "apiKey":
        return same(
          auth.in === "query" ? url.searchParams.get(auth.name) : headers[auth.name.toLowerCase()],
          auth.value,
        );
      case "oauth2":
        return (tokens.get(headers.authorization?.replace("Bearer ", "") ?? "") ?? 0) > Date.now();
    }
  }

  return {
    /** the 401 for a request that does not prove who it is; it repeats what it was sent, as some systems do */
    refuse(headers: IncomingHttpHeaders, url: URL): Answer | undefined {
      if (allowed(headers, url)) return undefined;
      return {
        status: 401,
        body: { error: { message: `Not allowed with ${headers.authorization ?? url.search}` } },
        headers: { "www-authenticate": "Bearer" },
      };
    },
    token(headers: IncomingHttpHeaders, body: Json): Answer {
      if (auth.kind !== "oauth2") return { status: 404 };
      const form = (body ?? {}) as { [name: string]: string };
      // RFC 6749 §2.3.1: form-encoded before it is put together
      const pair = [auth.clientId, auth.clientSecret]
        .map((part) => new URLSearchParams({ v: part }).toString().slice(2))
        .join(":");
      const basic = headers.authorization === `Basic ${Buffer.from(pair).toString("base64")}`;
      const posted = form.client_id === auth.clientId && form.client_secret === auth.clientSecret;
      if (!basic && !posted)
        return { status: 401, body: { error: "invalid_client", error_description: "Client authentication failed" } };
      if (form.grant_type !== "client_credentials") return { status: 400, body: { error: "unsupported_grant_type" } };
      const token = randomUUID();
      tokens.set(token, Date.now() + auth.lifeS * 1000);
      return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: auth.lifeS } };
    },
  };
}
