/** How requests prove who we are, and how the secrets in that are kept out of what is said. */
import { IntegrationError } from "./errors.ts";
import type { ClientCredentials } from "./oauth.ts";

export type HttpAuth =
  | { kind: "none" }
  | { kind: "basic"; username: string; password: string }
  | { kind: "bearer"; token: string }
  | { kind: "apiKey"; name: string; in: "header" | "query"; value: string }
  | ({ kind: "oauth2" } & ClientCredentials);

/** All forms in which a secret of the sign-in may come back in a message. */
export function secretsOf(auth: HttpAuth): string[] {
  if (auth.kind === "basic")
    return [auth.password, Buffer.from(`${auth.username}:${auth.password}`).toString("base64")];
  if (auth.kind === "bearer") return [auth.token];
  if (auth.kind === "apiKey")
    return [auth.value, encodeURIComponent(auth.value), new URLSearchParams({ v: auth.value }).toString().slice(2)];
  return auth.kind === "oauth2" ? [auth.clientSecret] : [];
}

/** The same failure with every secret struck out: remote systems like to repeat the key they refuse. */
export function redacted(error: unknown, secrets: string[]): unknown {
  if (!(error instanceof IntegrationError) || !secrets.some((secret) => error.message.includes(secret))) return error;
  const hide = (said: string) => secrets.reduce((text, secret) => text.replaceAll(secret, "•••"), said);
  const { kind, code, actor, retry, field, ofRecord: own } = error;
  const general = error.general === undefined ? undefined : hide(error.general);
  const ofRecord = own && { ...own, message: hide(own.message), ...(own.general && { general: hide(own.general) }) };
  return new IntegrationError(hide(error.message), { kind, code, actor, retry, field, general, ofRecord }); // no `cause`: it holds the same text
}
