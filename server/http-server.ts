/** The one HTTP server: `/hooks/*` goes to the intake, `/api/v1/*` is answered here, everything else is Next's. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { API_PREFIX, makeApi, send } from "./api/answer.ts";
import { routes } from "./api/routes.ts";
import { CLIENT_ADDRESS_HEADER } from "./auth/auth.ts";
import type { Database } from "./db/prisma.ts";
import { makeIntake } from "./intake/intake.ts";
import { logUnexpected } from "./log.ts";
import { securityHeaders } from "./security-headers.ts";

export type PageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;
export type HttpServer = {
  server: Server;
  /**
   * Ends within `graceMs`: takes no new requests, closes live streams at once (browsers come back by themselves), lets the
   * other requests finish.
   */
  stop(graceMs: number): Promise<void>;
};

type Options = {
  /** answers everything that is not ours; absent in tests of the interface */
  pages?: PageHandler;
  checkResponses?: boolean;
};

const isBelow = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`);

export function createApiServer(base: Pick<Database, "db" | "pool">, options: Options = {}): HttpServer {
  const api = makeApi(base, { routes, checkResponses: options.checkResponses ?? false });
  const intake = makeIntake(base);
  const streams = new Set<Socket>();

  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (isBelow(path, "/hooks")) return void intake.handle(request, response, path);
    if (isBelow(path, API_PREFIX)) return void api(request, response);
    if (!options.pages) return notHere(request, response, path);
    request.headers[CLIENT_ADDRESS_HEADER] = clientAddress(request);
    if (path.startsWith("/api/trpc/") && request.headers.accept?.includes("text/event-stream")) {
      const { socket } = request;
      streams.add(socket);
      response.once("close", () => streams.delete(socket));
    }
    options.pages(request, response).catch((error) => {
      const logId = logUnexpected(error, { method: request.method, path });
      if (response.headersSent) return response.destroy();
      const message = `Something unexpected failed here. An admin finds it in the log under ${logId}.`;
      send(request, response, 500, { error: { code: "unexpected", message, details: { logId } } });
    });
  });
  server.keepAliveTimeout = 65_000; // longer than a proxy keeps its side, so that it never meets a closed one
  server.requestTimeout = 120_000;

  const stop = (graceMs: number) =>
    new Promise<void>((done) => {
      const hard = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearTimeout(hard);
        void intake.stop().then(done, done);
      });
      for (const socket of streams) socket.destroy();
      server.closeIdleConnections();
    });
  return { server, stop };
}

function notHere(request: IncomingMessage, response: ServerResponse, path: string): void {
  const message = `There is nothing at ${path.slice(0, 200)}.`;
  send(request, response, 404, { error: { code: "not-found", message } });
}

/**
 * Address the sign-in rate limit counts by: the peer's, or with PLUMBLINE_TRUST_PROXY=true the last one a proxy added to
 * X-Forwarded-For.
 */
function clientAddress(request: IncomingMessage): string {
  const forwarded = request.headers["x-forwarded-for"];
  if (process.env.PLUMBLINE_TRUST_PROXY === "true" && forwarded) {
    const last = String(forwarded).split(",").at(-1)?.trim();
    if (last) return last;
  }
  return request.socket.remoteAddress ?? "127.0.0.1";
}
