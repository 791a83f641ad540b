import type { ServerContext } from "../context.ts";
import type { Role } from "../trpc/contract/people.ts";
import { createCaller } from "../trpc/root.ts";

/** Calls the routers as a person would, with this context's role or another. */
export function callerAs(ctx: ServerContext, role: Role = ctx.actor.role) {
  const { db, pool } = ctx;
  const signedIn = { ...ctx, actor: { ...ctx.actor, role } };
  return createCaller({ db, pool, headers: new Headers(), responseHeaders: new Headers(), signedIn });
}
