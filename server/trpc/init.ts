/** The foundation of all routers: the context of a call, procedures by role, and how failures are answered. */
import { initTRPC, TRPCError } from "@trpc/server";
import type { TRPC_ERROR_CODE_KEY } from "@trpc/server/rpc";
import type pg from "pg";
import { z } from "zod";
import type { ServerContext } from "../context.ts";
import type { Db } from "../db/prisma.ts";
import { type ErrorStatus, Forbidden, isUseCaseError, Unauthorized } from "../errors.ts";
import { asUseCaseError } from "../failure.ts";
import { logUnexpected } from "../log.ts";
import { mayAs } from "../roles.ts";
import type { Role } from "./contract/people.ts";

export type TrpcContext = {
  db: Db;
  pool: pg.Pool;
  /** headers of the request: cookies, host */
  headers: Headers;
  /** headers to send back: the cookies of a sign-in */
  responseHeaders: Headers;
  /** who asks, with the workspace; null when signed out */
  signedIn: ServerContext | null;
};

const codeFor: Record<ErrorStatus, TRPC_ERROR_CODE_KEY> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_SUPPORTED",
  409: "CONFLICT",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  422: "UNPROCESSABLE_CONTENT",
  429: "TOO_MANY_REQUESTS",
  500: "INTERNAL_SERVER_ERROR",
  502: "BAD_GATEWAY",
  503: "SERVICE_UNAVAILABLE",
};

/** What a screen finds in `error.data`: `reason` is the stable code of docs/errors.md. */
export type ErrorData = { reason: string; details?: unknown; logId?: string };

const t = initTRPC.context<TrpcContext>().create({
  sse: {
    ping: { enabled: true, intervalMs: 15_000 },
    maxDurationMs: 30 * 60_000, // the browser comes back by itself, and its role is looked at again
    client: { reconnectAfterInactivityMs: 40_000 },
  },
  errorFormatter({ shape, error }) {
    const cause = error.cause;
    const { stack: _never, ...data } = shape.data as typeof shape.data & { stack?: string };
    if (isUseCaseError(cause)) {
      const added: ErrorData = { reason: cause.code, details: cause.details };
      return { ...shape, message: cause.message, data: { ...data, ...added } };
    }
    if (cause instanceof z.ZodError) {
      const details = cause.issues.map(({ path, message }) => ({ path: path.join("."), message }));
      const first = details[0];
      const message = first
        ? `${first.path === "" ? "The input" : `“${first.path}”`}: ${first.message}`
        : shape.message;
      return { ...shape, message, data: { ...data, reason: "invalid", details } satisfies ErrorData & typeof data };
    }
    if (error.code !== "INTERNAL_SERVER_ERROR")
      return { ...shape, data: { ...data, reason: error.code.toLowerCase().replaceAll("_", "-") } };
    const logId = logUnexpected(cause ?? error, { procedure: shape.data.path });
    const message = `Something unexpected failed here. An admin finds it in the log under ${logId}.`;
    return { ...shape, message, data: { ...data, reason: "unexpected", logId } };
  },
});

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/** Gives failures of use cases and connectors their code; anything else stays unexpected. */
const named = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok) return result;
  const known = asUseCaseError(result.error.cause);
  if (known) throw new TRPCError({ code: codeFor[known.status], message: known.message, cause: known });
  return result;
});

/** Anyone, signed in or not. `ctx.signedIn` says who. */
export const publicProcedure = t.procedure.use(named);

/** A procedure for people whose role is at least `needed`; its `ctx` is a ServerContext. */
const procedureFor = (needed: Role) =>
  publicProcedure.use(({ ctx, next }) => {
    if (!ctx.signedIn) throw new Unauthorized("You are signed out. Sign in and try again.");
    const { workspaceId, actor } = ctx.signedIn;
    if (!mayAs(actor.role, needed)) throw new Forbidden(needed, actor.role);
    return next({ ctx: { ...ctx, workspaceId, actor } });
  });

export const viewerProcedure = procedureFor("viewer");
export const builderProcedure = procedureFor("builder");
export const operatorProcedure = procedureFor("operator");
export const adminProcedure = procedureFor("admin");
