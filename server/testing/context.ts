import type { ServerContext } from "../context.ts";
import { newId } from "../ids.ts";
import type { Role } from "../trpc/contract/people.ts";
import { createCaller } from "../trpc/root.ts";
import type { TestDatabase } from "./database.ts";

/** A fresh workspace in a test database, and the context of a person in it. */
export async function testContext({ db, pool }: TestDatabase, role: Role = "owner"): Promise<ServerContext> {
  const workspaceId = newId("ws");
  const userId = newId("usr");
  const email = `${role}.${userId}@example.com`;
  await db.workspace.create({ data: { id: workspaceId, name: "Test company" } });
  await db.user.create({ data: { id: userId, name: `The ${role}`, email } });
  await db.membership.create({ data: { workspaceId, userId, role } });
  return { db, pool, workspaceId, actor: { id: userId, name: email, role, kind: "person" } };
}

/** The tRPC procedures, called as the person of `ctx`; as nobody with only a database. */
export function callerFor(ctx: ServerContext | TestDatabase) {
  const signedIn = "actor" in ctx ? ctx : null;
  const headers = new Headers({ host: "127.0.0.1:3000" });
  return createCaller({ db: ctx.db, pool: ctx.pool, headers, responseHeaders: new Headers(), signedIn });
}
