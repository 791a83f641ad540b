/** OAuth2 client credentials (RFC 6749 §4.4): one token for a session, fetched once however many requests wait for it. */
import { z } from "zod";
import { IntegrationError } from "./errors.ts";
import type { Json } from "./types.ts";

export type ClientCredentials = {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  scope?: string;
  audience?: string;
  /** how the client names itself: Basic header (what every server must take) or fields of the form */
  clientIn: "header" | "body";
};

export type TokenSource = {
  /** the token to send; fetched anew when it ends within 30 s (a short-lived one: in the second half of its life) */
  token(signal?: AbortSignal): Promise<string>;
  /** the remote system refused this token: the next `token` is a new one */
  refused(token: string): void;
};

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

type PostForm = (
  url: string,
  form: Record<string, string>,
  headers: Record<string, string>,
  signal?: AbortSignal,
) => Promise<Json>;

// RFC 6749 §2.3.1: both parts are form-encoded before Basic joins them.
const formEncode = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");

/** @param postForm sends the form; throws typed failures */
export function clientCredentials(name: string, grant: ClientCredentials, postForm: PostForm): TokenSource {
  let current: { token: string; freshUntil: number } | undefined;
  let fetching: Promise<string> | undefined;

  async function fetchToken(): Promise<string> {
    const form: Record<string, string> = { grant_type: "client_credentials" };
    if (grant.scope) form.scope = grant.scope;
    if (grant.audience) form.audience = grant.audience;
    const headers: Record<string, string> = {};
    if (grant.clientIn === "body")
      Object.assign(form, { client_id: grant.clientId, client_secret: grant.clientSecret });
    else {
      const pair = `${formEncode(grant.clientId)}:${formEncode(grant.clientSecret)}`;
      headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
    }
    // No caller's signal here: others wait for the same token, and one of them giving up must not fail the rest.
    const answer = await postForm(grant.tokenUrl, form, headers).catch((error: unknown) =>
      Promise.reject(tokenFailure(error)),
    );
    const found = tokenAnswer.safeParse(answer);
    if (!found.success)
      throw new IntegrationError(
        `${name}: the token address answered without an "access_token". Check the token URL under Connections.`,
        {
          kind: "settings",
          code: "no-token",
        },
      );
    const lifeMs = (found.data.expires_in ?? 3600) * 1000;
    current = { token: found.data.access_token, freshUntil: Date.now() + lifeMs - Math.min(30_000, lifeMs / 2) };
    return current.token;
  }

  function tokenFailure(error: unknown): unknown {
    if (!(error instanceof IntegrationError) || (error.kind !== "rejected" && error.kind !== "credentials"))
      return error;
    return new IntegrationError(`${name}: no token was given for the stored client id and secret. ${error.message}`, {
      kind: "credentials",
      code: "no-token",
      cause: error,
    });
  }

  return {
    async token(signal) {
      signal?.throwIfAborted();
      if (current && Date.now() < current.freshUntil) return current.token;
      fetching ??= fetchToken().finally(() => {
        fetching = undefined;
      });
      return fetching;
    },
    refused(token) {
      if (current?.token === token) current = undefined;
    },
  };
}
