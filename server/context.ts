/** What every use case gets: the database, the workspace it works in, and who asks. */
import type pg from "pg";
import type { Db } from "./db/prisma.ts";
import type { Role } from "./trpc/contract/people.ts";

export type Actor = {
  /** user id, API token id, or "system" */
  id: string;
  /** as the audit log and a run's `startedBy` show it: e-mail of a person, "token NAME", or "system" */
  name: string;
  role: Role;
  kind: "person" | "token" | "system";
};

export type ServerContext = { db: Db; pool: pg.Pool; workspaceId: string; actor: Actor };

/** The context of work nobody asked for in person: the schedule, recovery, the sample company. */
export function systemContext(base: { db: Db; pool: pg.Pool }, workspaceId: string): ServerContext {
  return { ...base, workspaceId, actor: { id: "system", name: "system", role: "owner", kind: "system" } };
}
