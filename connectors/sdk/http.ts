/**
 * The HTTP client of connectors: one pool of connections per session, JSON in and out, every failure an IntegrationError
 * (see http-errors.ts), the network rule of DESIGN §9 kept at every hop, secrets kept out of messages.
 */

import { Agent, type Dispatcher, request as send } from "undici";
import type { z } from "zod";
import { IntegrationError, quote } from "./errors.ts";
import { baseOf, type Query, urlFor } from "./http-address.ts";
import { type HttpAuth, redacted, secretsOf } from "./http-auth.ts";
import { asJson, bodyOf, readText } from "./http-body.ts";
import { type Answered, type Asked, failedAnswer, noAnswer, retryAfterMs } from "./http-errors.ts";
import { createPace, type Pace } from "./http-pace.ts";
import { assertAllowedHost, pinnedLookup } from "./network.ts";
import { clientCredentials } from "./oauth.ts";
import { LONGEST_TURN_MS } from "./pacing.ts";
import type { Json } from "./types.ts";

export type HttpOptions = {
  /** the connection's name, for messages */
  name: string;
  /** paths are added to it; its own path and query are kept */
  baseUrl: string;
  auth?: HttpAuth;
  headers?: Record<string, string>;
  allowPrivateNetwork: boolean;
  /** for one request with its whole answer; 30,000 when absent */
  timeoutMs?: number;
  /** largest answer taken; 50 MB when absent */
  maxAnswerBytes?: number;
  /** connections kept open at most; 16 when absent */
  connections?: number;
  /** further texts that must never stand in a message */
  secrets?: string[];
  /**
   * The pace all who use the connection share. With it, a request that was not taken (429, 503) is sent again after
   * the wait asked for, a few times, while other requests go on.
   */
  pace?: Pace;
};

export type RequestOptions<T = Json> = {
  query?: Query;
  headers?: Record<string, string>;
  /** sent as JSON */
  body?: unknown;
  /** sent as application/x-www-form-urlencoded, instead of `body` */
  form?: Record<string, string>;
  /** checks the answer's body; what does not fit is a settings failure that names the place */
  schema?: z.ZodType<T>;
  /** whether the address names one record (404 is that record's failure) or a list (404 is a settings failure); "list" when absent */
  about?: "list" | "record";
  /** the path before values were filled in, such as /contacts/{id}: failures of many records are grouped by it */
  pathTemplate?: string;
  /** statuses taken as success beside 2xx */
  ok?: number[];
  /** the status says all: whatever stands in the answer's body, also a page of HTML, is no failure */
  statusOnly?: boolean;
  signal?: AbortSignal;
  /** ends waiting for another try of what was not taken (429, 503); the answer stands then */
  halt?: AbortSignal | undefined;
};

export type HttpAnswer<T = Json> = { status: number; headers: Record<string, string>; body: T; url: string };

/** `path` begins with "/" and is added to the base URL, or is a whole URL of the same origin. */
export type Http = {
  request<T = Json>(method: string, path: string, options?: RequestOptions<T>): Promise<HttpAnswer<T>>;
  get<T = Json>(path: string, options?: RequestOptions<T>): Promise<T>;
  post<T = Json>(path: string, options?: RequestOptions<T>): Promise<T>;
  put<T = Json>(path: string, options?: RequestOptions<T>): Promise<T>;
  patch<T = Json>(path: string, options?: RequestOptions<T>): Promise<T>;
  delete<T = Json>(path: string, options?: RequestOptions<T>): Promise<T>;
  close(): Promise<void>;
};

/** Waits before a request that met a 503 is sent again. */
const WAITS_MS = [100, 400, 1_200];

const redirects = new Set([301, 302, 303, 307, 308]);

export function createHttp(options: HttpOptions): Http {
  const { name, auth = { kind: "none" }, timeoutMs = 30_000, maxAnswerBytes = 50 * 1024 * 1024 } = options;
  const base = baseOf(name, options.baseUrl);
  const rule = { allowPrivateNetwork: options.allowPrivateNetwork };
  const agent = new Agent({
    connections: options.connections ?? 16,
    keepAliveTimeout: 4_000,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: Math.min(timeoutMs, 10_000), lookup: pinnedLookup(rule) },
  });
  const hidden = [...secretsOf(auth), ...(options.secrets ?? [])].filter((secret) => secret.length >= 4);
  const tokens = auth.kind === "oauth2" ? clientCredentials(name, auth, postForm) : undefined;
  const allowed = new Set<string>();
  const pace = options.pace ?? createPace();
  const patience = options.pace ? WAITS_MS.length : 0;

  /** Names are judged by `pinnedLookup` when connecting; addresses skip it, so each host is judged once here. */
  async function allow(url: URL): Promise<void> {
    if (allowed.has(url.host)) return;
    await assertAllowedHost(url.hostname, rule);
    allowed.add(url.host);
  }

  async function postForm(url: string, form: Record<string, string>, headers: Record<string, string>): Promise<Json> {
    const at = new URL(url);
    const asked: Asked = { name, method: "POST", path: `${at.host}${at.pathname}`, about: "record" };
    const answer = await exchange(asked, at, { ...headers, accept: "application/json" }, { form });
    if (answer.status >= 300) throw failedAnswer(asked, answer);
    return answer.body;
  }

  /** One request and its whole answer, whatever the status. */
  async function exchange(
    asked: Asked,
    url: URL,
    headers: Record<string, string>,
    { body, form, signal }: RequestOptions<never>,
  ): Promise<Answered> {
    await allow(url);
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(timeoutMs);
    const sent: Record<string, string> = { "accept-encoding": "gzip, deflate, br", ...headers };
    if (form !== undefined) sent["content-type"] = "application/x-www-form-urlencoded";
    else if (body !== undefined) sent["content-type"] ??= "application/json";
    try {
      const answer = await send(url, {
        dispatcher: agent,
        method: asked.method as Dispatcher.HttpMethod,
        headers: sent,
        body:
          form !== undefined ? new URLSearchParams(form).toString() : body === undefined ? null : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const found = flatten(answer.headers);
      const text = await readText(asked, answer.body, found["content-encoding"], maxAnswerBytes);
      return { status: answer.statusCode, headers: found, text, body: asJson(text) };
    } catch (error) {
      if (error instanceof IntegrationError) throw error;
      // What was already sent may have landed, and the caller must be able to tell that from "never sent".
      const lost = noAnswer(asked, url.host, timeout.aborted ? timeout.reason : error, timeoutMs);
      if (signal?.aborted && lost.code !== "outcome-unknown") throw signal.reason;
      throw lost;
    }
  }

  /** Sends when it is our turn; what was refused before it took effect is sent again a few times. */
  async function paced(
    send: () => Promise<Answered>,
    { signal, halt }: Pick<RequestOptions, "signal" | "halt">,
  ): Promise<Answered> {
    for (let again = 0; ; again++) {
      await pace.turn(signal);
      const sentAt = Date.now();
      let answer: Answered;
      try {
        answer = await send();
      } finally {
        pace.done();
      }
      const asksMs = retryAfterMs(answer.headers);
      if (answer.status === 429) await pace.limited(sentAt, asksMs);
      else pace.accepted();
      if ((answer.status !== 429 && answer.status !== 503) || again >= patience || halt?.aborted) return answer;
      if (asksMs !== undefined && asksMs > LONGEST_TURN_MS) return answer;
      // after a 429 the pace itself waits as long as was asked
      if (answer.status === 503) await pausedFor(asksMs ?? WAITS_MS[again] ?? 0, halt);
      signal?.throwIfAborted();
      if (halt?.aborted) return answer;
    }
  }

  async function authorize(
    url: URL,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    if (auth.kind === "basic")
      headers.authorization = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
    if (auth.kind === "bearer") headers.authorization = `Bearer ${auth.token}`;
    if (auth.kind === "apiKey" && auth.in === "header") headers[auth.name.toLowerCase()] = auth.value;
    if (auth.kind === "apiKey" && auth.in === "query") url.searchParams.set(auth.name, auth.value);
    if (!tokens) return undefined;
    const token = await tokens.token(signal);
    headers.authorization = `Bearer ${token}`;
    if (!hidden.includes(token)) hidden.push(token);
    return token;
  }

  async function attempt(
    method: string,
    path: string,
    options: RequestOptions<never>,
  ): Promise<[Asked, Answered, URL, string?]> {
    let url = urlFor(name, base, path, options.query);
    const asked: Asked = {
      name,
      method,
      path: url.pathname,
      pathTemplate: options.pathTemplate,
      about: options.about ?? "list",
    };
    const headers = lowerCase({ accept: "application/json", ...extraHeaders, ...options.headers });
    const token = await authorize(url, headers, options.signal);
    for (let hops = 0; ; hops++) {
      const answer = await paced(() => exchange(asked, url, headers, options), options);
      const to = answer.headers.location;
      if (!redirects.has(answer.status) || (method !== "GET" && method !== "HEAD") || to === undefined)
        return [asked, answer, url, token];
      if (hops === 5)
        throw new IntegrationError(
          `${name} sends ${method} ${asked.path} on and on (more than 5 redirects). Check the base URL.`,
          { kind: "settings", code: "redirected" },
        );
      const next = new URL(to, url);
      if (next.protocol !== "http:" && next.protocol !== "https:")
        throw new IntegrationError(
          `${name} sends ${method} ${asked.path} on to ${quote(next.protocol)}, which is not HTTP.`,
          { kind: "settings", code: "redirected" },
        );
      if (next.origin !== url.origin) {
        // Another host gets nothing of ours but the question: no credentials, and none of the connection's own headers.
        for (const header of Object.keys(headers)) if (header !== "accept") delete headers[header];
        if (auth.kind === "apiKey" && auth.in === "query") next.searchParams.delete(auth.name);
      } else if (auth.kind === "apiKey" && auth.in === "query") next.searchParams.set(auth.name, auth.value);
      url = next;
    }
  }

  const extraHeaders = options.headers ?? {};

  async function request<T = Json>(
    method: string,
    path: string,
    options: RequestOptions<T> = {},
  ): Promise<HttpAnswer<T>> {
    try {
      const plain = options as RequestOptions<never>;
      let [asked, answer, url, token] = await attempt(method, path, plain);
      if (answer.status === 401 && tokens && token !== undefined) {
        tokens.refused(token); // ended before its time: once more with a new one
        [asked, answer, url] = await attempt(method, path, plain);
      }
      if ((answer.status < 200 || answer.status >= 300) && !options.ok?.includes(answer.status))
        throw failedAnswer(asked, answer);
      return {
        status: answer.status,
        headers: answer.headers,
        body: options.statusOnly ? (answer.body as T) : bodyOf(asked, answer, options.schema),
        url: url.href,
      };
    } catch (error) {
      throw redacted(error, hidden);
    }
  }

  const bodyBy =
    (method: string) =>
    async <T = Json>(path: string, options?: RequestOptions<T>) =>
      (await request<T>(method, path, options)).body;

  return {
    request,
    get: bodyBy("GET"),
    post: bodyBy("POST"),
    put: bodyBy("PUT"),
    patch: bodyBy("PATCH"),
    delete: bodyBy("DELETE"),
    close: async () => {
      if (!agent.destroyed) await agent.destroy();
    },
  };
}

/** Waits, or until `halt` comes. */
function pausedFor(ms: number, halt: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      halt?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    halt?.addEventListener("abort", done, { once: true });
    if (halt?.aborted) done();
  });
}

const lowerCase = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));

const flatten = (headers: Record<string, string | string[] | undefined>) =>
  Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [
      key.toLowerCase(),
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
