/** Which failure an HTTP answer, or the lack of one, is. Wording: what was asked, what came back, what to do next. */
import { IntegrationError, quote } from "./errors.ts";
import type { Json } from "./types.ts";

export type Asked = {
  /** the connection's name */
  name: string;
  method: string;
  /** without the query, which may hold a key */
  path: string;
  /** the path before values were filled in, such as /contacts/{id}: failures are grouped by it */
  pathTemplate?: string;
  /** "record": the address names one record, so 404 is about that record; "list": it is about the settings */
  about: "list" | "record";
};

export type Answered = { status: number; headers: Record<string, string>; body: Json; text: string };

const shorten = (text: string, longest = 300) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

/**
 * What the remote system says in an error body, in the shapes seen in the wild (message, error, error.message, errors[],
 * detail, title, error_description, field lists); undefined when it says nothing readable.
 */
export function messageInBody(body: Json): string | undefined {
  if (typeof body === "string")
    return body.trim() === "" || body.trim().startsWith("<") ? undefined : shorten(body.trim());
  if (Array.isArray(body)) {
    const parts = body.map(messageInBody).filter((part) => part !== undefined);
    return parts.length > 0 ? shorten([...new Set(parts)].slice(0, 5).join("; ")) : undefined;
  }
  if (body === null || typeof body !== "object") return undefined;
  const where = [body.field, body.path, body.param, body.pointer, body.property].find((one) => typeof one === "string");
  for (const name of ["message", "error_description", "detail", "description", "msg", "reason", "title", "Message"]) {
    const value = body[name];
    if (typeof value !== "string" || value.trim() === "") continue;
    const more = name === "title" || name === "message" ? listed(body.errors) : undefined;
    return shorten(
      `${where === undefined ? "" : `${where}: `}${value.trim()}${more === undefined ? "" : ` (${more})`}`,
    );
  }
  return messageInBody(body.error ?? null) ?? listed(body.errors) ?? listed(body.details) ?? undefined;
}

/** `errors` as a list of texts or objects, or as { field: [texts] }. */
function listed(errors: Json | undefined): string | undefined {
  if (errors === undefined || errors === null) return undefined;
  if (typeof errors === "string" || Array.isArray(errors)) return messageInBody(errors);
  if (typeof errors !== "object") return undefined;
  const parts = Object.entries(errors).flatMap(([field, said]) => {
    const text = messageInBody(said);
    return text === undefined ? [] : [`${field}: ${text}`];
  });
  return parts.length > 0 ? shorten(parts.slice(0, 5).join("; ")) : messageInBody(errors);
}

/** The field an error body points at, when it names exactly one. */
function fieldInBody(body: Json): string | undefined {
  if (body === null || typeof body !== "object" || Array.isArray(body)) return undefined;
  const direct = [body.field, body.param, body.property].find((one) => typeof one === "string");
  if (typeof direct === "string") return direct;
  const errors = body.errors ?? null;
  if (Array.isArray(errors) && errors.length === 1) return fieldInBody(errors[0]!);
  if (errors !== null && typeof errors === "object" && !Array.isArray(errors)) {
    const names = Object.keys(errors);
    return names.length === 1 ? names[0] : undefined;
  }
  return fieldInBody(body.error ?? null);
}

/**
 * How long the remote system asks us to wait, in ms: Retry-After (seconds or an HTTP date, RFC 9110 §10.2.3), else
 * RateLimit-Reset / X-RateLimit-Reset (seconds from now, or an epoch in s or ms), when it lies within a day.
 */
export function retryAfterMs(headers: Record<string, string>, now = Date.now()): number | undefined {
  const said = headers["retry-after"];
  if (said !== undefined) {
    const seconds = Number(said);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(said) - now;
    if (Number.isFinite(ms)) return Math.min(Math.max(0, Math.ceil(ms)), 86_400_000);
  }
  for (const name of ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"]) {
    const value = Number(headers[name]?.split(/[,;]/)[0]);
    if (headers[name] === undefined || !Number.isFinite(value) || value < 0) continue;
    const ms = value > 1e12 ? value - now : value > 1e9 ? value * 1000 - now : value * 1000;
    if (ms <= 86_400_000) return Math.max(0, Math.ceil(ms));
  }
  return undefined;
}

/** The failure for an answer whose status is not a success. */
export function failedAnswer(asked: Asked, answer: Answered): IntegrationError {
  const { name, method, path, about } = asked;
  const { status } = answer;
  const said = messageInBody(answer.body);
  const quoted = said === undefined ? "" : `: “${said}”`;
  const where = `${method} ${path}`;
  const field = fieldInBody(answer.body);
  const ofRecord = (message: string, code: string) =>
    new IntegrationError(message, {
      kind: "rejected",
      code,
      field,
      general: asked.pathTemplate && message.replace(where, () => `${method} ${asked.pathTemplate}`),
    });
  /** what it is when others are taken */
  const alone = () =>
    ofRecord(
      status >= 500
        ? `${name} failed inside (${status} for ${where})${quoted} at this record, and took others. Look at the record, and at what that system says of it.`
        : `${name} refused the record (${status} for ${where})${quoted === "" ? " without saying why" : quoted}, and took others.`,
      "refused",
    ).info;
  if (status === 401)
    return new IntegrationError(
      `${name} refused the stored credentials (401 for ${where})${quoted}. Enter new ones under Connections.`,
      {
        kind: "credentials",
        code: "credentials-refused",
      },
    );
  if (status === 403)
    return new IntegrationError(
      `${name} knows these credentials but does not allow ${where} (403)${quoted}. Give the account the right for it, or use another account.`,
      { kind: "credentials", code: "access-denied", ofRecord: alone() },
    );
  if (status === 429 || status === 503 || status === 425 || status === 408) {
    const afterMs = retryAfterMs(answer.headers);
    const wait = afterMs === undefined ? "" : ` It asks to wait ${Math.ceil(afterMs / 1000)} s.`;
    const what =
      status === 429
        ? "allows no more requests just now"
        : status === 408
          ? "gave up waiting for the request"
          : "is not available just now";
    return new IntegrationError(`${name} ${what} (${status} for ${where})${quoted}.${wait}`, {
      kind: "transient",
      code: status === 429 ? "rate-limited" : "unavailable",
      retry: afterMs === undefined ? "backoff" : { afterMs },
    });
  }
  if (status === 507)
    return new IntegrationError(
      `${name} has no space left (507 for ${where})${quoted}. Free space there; a run that waits goes on by itself.`,
      { kind: "transient", code: "disk-full", retry: { afterMs: retryAfterMs(answer.headers) ?? 30_000 } },
    );
  if (status >= 500 && status !== 501)
    return new IntegrationError(`${name} failed inside (${status} for ${where})${quoted}.`, {
      kind: "transient",
      code: "server-error",
      ofRecord: alone(),
    });
  if (status >= 300 && status < 400)
    return new IntegrationError(
      `${name} sends ${where} on to another address (${status}, ${quote(answer.headers.location ?? "unnamed")}); only GET is followed. Enter that address as the base URL or path.`,
      { kind: "settings", code: "redirected" },
    );
  if (status === 404 || status === 410) {
    if (about === "record")
      return ofRecord(`${name} has no such record (${status} for ${where})${quoted}.`, "record-not-found");
    return new IntegrationError(
      `${name} has nothing at ${where} (${status})${quoted}. Check the base URL and the path.`,
      {
        kind: "settings",
        code: "path-not-found",
        ofRecord: alone(),
      },
    );
  }
  if (status === 405 || status === 501)
    return new IntegrationError(
      `${name} does not take ${where} (${status})${quoted}. Check method and path in the connection's settings.`,
      {
        kind: "settings",
        code: "method-not-allowed",
        ofRecord: alone(),
      },
    );
  if (about === "list" && method === "GET")
    return new IntegrationError(
      `${name} refused the request ${where} (${status})${quoted}. Check the path and its query in the connection's settings.`,
      {
        kind: "settings",
        code: "request-refused",
      },
    );
  return ofRecord(
    `${name} refused the record (${status} for ${where})${quoted === "" ? " without saying why" : quoted}.`,
    status === 409 ? "conflict" : "refused",
  );
}

/** errors at which nothing can have reached the remote system */
const notSent = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "UND_ERR_CONNECT_TIMEOUT",
  "EADDRNOTAVAIL",
]);
const tls = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;

/** Whether we gave up waiting, so that the system may be at work on the request still. One that closed the connection has let go of it. */
export function tookTooLong(cause: unknown): boolean {
  const { name, code } = (cause ?? {}) as { name?: string; code?: string };
  return name === "TimeoutError" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT";
}

/**
 * The failure when no complete answer came. What was never sent has code "unreachable"; what was sent and may have taken
 * effect has code "outcome-unknown"; a GET, which has no effect, has "connection-lost".
 */
export function noAnswer(asked: Asked, host: string, cause: unknown, timeoutMs: number): IntegrationError {
  for (let error = cause as { code?: string; cause?: unknown } | undefined, depth = 0; error && depth < 5; depth++) {
    if (error instanceof IntegrationError) return error;
    error = error.cause as typeof error;
  }
  const error = cause as { code?: string; name?: string; message?: string };
  const code = error.code ?? "";
  const { name, method, path } = asked;
  if (tls.test(code))
    return new IntegrationError(
      `${name}: the secure connection to ${host} failed (${error.message ?? code}). Check that the address begins with the right http:// or https:// and that its certificate is valid.`,
      {
        kind: "settings",
        code: "tls",
        cause,
      },
    );
  if (code === "UND_ERR_INVALID_ARG" || code === "ERR_INVALID_CHAR")
    return new IntegrationError(
      `${name}: the request ${method} ${path} cannot be sent (${error.message ?? code}). Check the headers and the base URL in the connection's settings.`,
      { kind: "settings", code: "request-invalid", cause },
    );
  if (notSent.has(code)) {
    const what =
      code === "ECONNREFUSED"
        ? "refuses connections"
        : code === "UND_ERR_CONNECT_TIMEOUT"
          ? "does not answer"
          : "cannot be reached";
    return new IntegrationError(
      `${name}: ${host} ${what} (${code}). Nothing was sent; check that the system is up and the address and port are right.`,
      {
        kind: "transient",
        code: "unreachable",
        cause,
      },
    );
  }
  const late = tookTooLong(cause);
  const what = late
    ? `did not answer ${method} ${path} within ${Math.round(timeoutMs / 1000)} s`
    : error.name === "AbortError"
      ? `had not answered ${method} ${path} when it was stopped`
      : `closed the connection during ${method} ${path}`;
  if (method === "GET" || method === "HEAD")
    return new IntegrationError(`${name} ${what}.`, {
      kind: "transient",
      code: late ? "answer-timeout" : "connection-lost",
      cause,
    });
  return new IntegrationError(
    `${name} ${what}: it was sent, but the answer was lost, so it may or may not have taken effect.`,
    {
      kind: "transient",
      code: "outcome-unknown",
      cause,
    },
  );
}
