/**
 * One path and method of the public interface `/api/v1`. Routes are data: the server dispatches by them, the OpenAPI
 * document is generated from them. They sit in server/<noun>/api.ts and are listed in server/api/routes.ts.
 */
import type pg from "pg";
import type { z } from "zod";
import type { ServerContext } from "../context.ts";
import type { Db } from "../db/prisma.ts";
import { type ErrorDetail, Invalid, NotFound } from "../errors.ts";
import type { Role } from "../trpc/contract/people.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
/** What a request brings; `body` is parsed JSON (or YAML where a route takes it), undefined when there is none. */
export type RawInput = {
  params: { [name: string]: string };
  query: { [name: string]: string };
  body: unknown;
  /** the `If-Match` header */
  ifMatch?: string | undefined;
  /** the request's headers, by their lower-case names */
  headers?: { [name: string]: string | undefined };
};
/** What a route without a token gets. */
export type PublicContext = { db: Db; pool: pg.Pool };

type Shown = {
  method: Method;
  /** below /api/v1, with `:name` for parameters */
  path: `/${string}`;
  summary: string;
  description?: string;
  /** status of success: 201 for what creates a resource, 202 for what starts work, else 200 */
  status?: 200 | 201 | 202;
  /** of request and response, for the OpenAPI document */
  example?: { body?: unknown; response?: unknown };
  /** codes of expected failures besides those every route has, with their status: { "name-taken": 409 } */
  failures?: { [code: string]: number };
  /** `read`: a body with a content type of YAML is taken too; `write`: the result is sent as YAML when `Accept` asks for it */
  yaml?: { read?(text: string): unknown; write?(result: unknown): string };
};
type Maybe = z.ZodType | undefined;
type Out<S extends Maybe> = S extends z.ZodType ? z.output<S> : undefined;
type Input<P extends Maybe, Q extends Maybe, B extends Maybe> = {
  params: Out<P>;
  query: Out<Q>;
  body: Out<B>;
  ifMatch: string | undefined;
  headers: { [name: string]: string | undefined };
};
type Schemas<P extends Maybe, Q extends Maybe, B extends Maybe, R extends z.ZodType> = {
  params?: P;
  query?: Q;
  body?: B;
  response: R;
};

/** A route with its types erased, as the server uses it. */
export type Route = Shown & {
  status: 200 | 201 | 202;
  role: Role | "public";
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  response: z.ZodType;
  run(context: ServerContext | PublicContext, raw: RawInput): Promise<unknown>;
};

function prepare<P extends Maybe, Q extends Maybe, B extends Maybe>(
  spec: { params?: P; query?: Q; body?: B },
  raw: RawInput,
): Input<P, Q, B> {
  return {
    params: parsePath(spec.params, raw.params) as Out<P>,
    query: parse(spec.query, raw.query, "query") as Out<Q>,
    body: parse(spec.body, raw.body, "body") as Out<B>,
    ifMatch: raw.ifMatch,
    headers: raw.headers ?? {},
  };
}

/** An id that no row can have (too long, with U+0000, not a number where all are) is simply one that does not exist. */
function parsePath(schema: z.ZodType | undefined, params: RawInput["params"]): unknown {
  if (!schema) return undefined;
  const result = schema.safeParse(params);
  if (result.success) return result.data;
  const [name = "id"] = result.error.issues[0]?.path.map(String) ?? [];
  throw new NotFound(name === "id" ? "resource" : name, params[name] ?? "");
}

function parse(schema: z.ZodType | undefined, value: unknown, part: "query" | "body"): unknown {
  if (!schema) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const details: ErrorDetail[] = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const first = details[0] ?? { path: "", message: "expected another shape" };
  const where = first.path === "" ? `the ${part}` : `“${first.path}” in the ${part}`;
  throw new Invalid(`The request does not fit: ${where}: ${first.message}.`, details);
}

/**
 * A route for a token whose role is at least `role`. `handle` gets the parsed input; absent schemas give undefined.
 * Its result is sent as JSON and must fit `response` (checked while testing).
 */
export function defineRoute<
  R extends z.ZodType,
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  B extends Maybe = undefined,
>(
  spec: Shown &
    Schemas<P, Q, B, R> & {
      role: Role;
      handle(ctx: ServerContext, input: Input<P, Q, B>): Promise<z.input<R>>;
    },
): Route {
  const { handle, ...shown } = spec;
  return {
    ...shown,
    status: spec.status ?? 200,
    run: (context, raw) => handle(context as ServerContext, prepare(spec, raw)),
  };
}

/** A route anyone may call, without a token. */
export function definePublicRoute<
  R extends z.ZodType,
  P extends Maybe = undefined,
  Q extends Maybe = undefined,
  B extends Maybe = undefined,
>(
  spec: Shown &
    Schemas<P, Q, B, R> & {
      handle(ctx: PublicContext, input: Input<P, Q, B>): Promise<z.input<R>>;
    },
): Route {
  const { handle, ...shown } = spec;
  return {
    ...shown,
    role: "public",
    status: spec.status ?? 200,
    run: (context, raw) => handle(context, prepare(spec, raw)),
  };
}
