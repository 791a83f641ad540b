/** Answers requests to `/api/v1/*` (DESIGN §8): token, role, input, use case, JSON. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { tokenBehind } from "../auth/who.ts";
import type { ServerContext } from "../context.ts";
import type { Database } from "../db/prisma.ts";
import { Forbidden, Unauthorized, UseCaseError } from "../errors.ts";
import { asUseCaseError } from "../failure.ts";
import { logUnexpected } from "../log.ts";
import { mayAs } from "../roles.ts";
import type { Role } from "../trpc/contract/people.ts";
import { isYaml, readBody } from "./body.ts";
import { makeMatcher } from "./match.ts";
import type { Route } from "./route.ts";

export const API_PREFIX = "/api/v1";

export type ApiOptions = {
  routes: Route[];
  /** Answer 500 when a response does not fit its documented schema, or holds more than it says. On in tests. */
  checkResponses?: boolean;
};

/** `yaml`: what is sent instead of `body` as JSON. */
type Answer = { status: number; body: unknown; allow?: string; yaml?: string };

/** @returns a handler for every request whose path starts with /api/v1 */
export function makeApi(base: Pick<Database, "db" | "pool">, { routes, checkResponses = false }: ApiOptions) {
  const match = makeMatcher(routes);

  async function known(request: IncomingMessage): Promise<ServerContext> {
    const context = await tokenBehind(base, request.headers.authorization);
    if (!context) throw new Unauthorized();
    return context;
  }

  async function authorised(request: IncomingMessage, needed: Role): Promise<ServerContext> {
    const context = await known(request);
    if (!mayAs(context.actor.role, needed)) throw new Forbidden(needed, context.actor.role);
    return context;
  }

  async function work(request: IncomingMessage, url: URL): Promise<Answer> {
    const found = match(request.method ?? "GET", url.pathname.slice(API_PREFIX.length));
    // who may not come in is not told what there is; health and the document are for everybody
    if (found.kind === "unknown-path" || (found.kind === "wrong-method" && !found.open)) await known(request);
    if (found.kind === "unknown-path") throw unknownPath(url.pathname);
    if (found.kind === "wrong-method") {
      const allow = allowOf(found.allowed);
      if (request.method === "OPTIONS") return { status: 204, body: undefined, allow };
      throw new WrongMethod(request.method ?? "", url.pathname, allow);
    }
    const { route, params } = found;
    const context = route.role === "public" ? base : await authorised(request, route.role);
    const body =
      request.method === "GET" || request.method === "HEAD" ? undefined : await readBody(request, route.yaml?.read);
    // what a client leaves empty ("?state=&flow=") it does not ask for
    const query = Object.fromEntries([...url.searchParams].filter(([, value]) => value !== ""));
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const result = await route.run(context, { params, query, body, ifMatch: request.headers["if-match"], headers });
    if (checkResponses) assertFits(route, result);
    const toYaml = isYaml(request.headers.accept) ? route.yaml?.write : undefined;
    return { status: route.status, body: result, ...(toYaml ? { yaml: toYaml(result) } : {}) };
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://localhost");
    try {
      const { status, body, allow, yaml } = await work(request, url);
      if (allow) response.setHeader("allow", allow);
      send(request, response, status, body, yaml);
    } catch (error) {
      const known = asUseCaseError(error);
      if (known instanceof WrongMethod) response.setHeader("allow", known.allow);
      if (known) return send(request, response, known.status, errorBody(known));
      const logId = logUnexpected(error, { method: request.method, path: url.pathname });
      const message = `Something unexpected failed here. An admin finds it in the log under ${logId}.`;
      send(request, response, 500, { error: { code: "unexpected", message, details: { logId } } });
    }
  };
}

export function errorBody({ code, message, details }: UseCaseError) {
  return { error: { code, message, ...(details === undefined ? {} : { details }) } };
}

/** How long and how much of a body that nobody wants is still taken in, so that its sender gets to read the answer. */
const drainMs = 3_000;
const drainBytes = 64 * 1024 * 1024;

/** Sends JSON, or `yaml` as it is. A body that was not read to its end is taken in for a while; then the connection closes. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: unknown,
  yaml?: string,
): void {
  const text = yaml ?? (body === undefined ? "" : JSON.stringify(body));
  const type = yaml === undefined ? "application/json" : "application/yaml";
  if (body !== undefined) response.setHeader("content-type", `${type}; charset=utf-8`);
  response.setHeader("content-length", Buffer.byteLength(text));
  response.setHeader("cache-control", "no-store");
  if (status === 401) response.setHeader("www-authenticate", 'Bearer realm="plumbline"');
  const content = request.method === "HEAD" ? "" : text;
  if (request.complete || (!request.headers["content-length"] && !request.headers["transfer-encoding"])) {
    response.writeHead(status).end(content);
    return;
  }
  // closing while bytes still arrive would reset the connection, and the sender would never see the answer
  response.setHeader("connection", "close");
  response.writeHead(status).write(content);
  const timer = setTimeout(() => response.destroy(), drainMs);
  let left = drainBytes;
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) response.destroy();
  });
  request.once("end", () => response.end());
  response.once("close", () => clearTimeout(timer));
  request.resume();
}

function allowOf(methods: string[]): string {
  return [...new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"])].join(", ");
}

function unknownPath(path: string): UseCaseError {
  return new UseCaseError(
    `There is nothing at ${path.slice(0, 200)}. ${API_PREFIX}/openapi.json lists what there is.`,
    { status: 404, code: "unknown-path" },
  );
}

class WrongMethod extends UseCaseError {
  readonly allow: string;
  constructor(method: string, path: string, allow: string) {
    super(`${method.slice(0, 20)} is not possible at ${path.slice(0, 200)}; possible: ${allow}.`, {
      status: 405,
      code: "wrong-method",
      details: { allow },
    });
    this.allow = allow;
  }
}

function assertFits(route: Route, result: unknown): void {
  const sent = JSON.parse(JSON.stringify(result));
  const parsed = route.response.safeParse(sent);
  const at = `${route.method} ${route.path}`;
  if (!parsed.success) throw new Error(`The response of ${at} does not fit its schema: ${parsed.error.message}`);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(parsed.data)), sent))
    throw new Error(`The response of ${at} holds more than its schema says: ${JSON.stringify(sent).slice(0, 2000)}`);
}
