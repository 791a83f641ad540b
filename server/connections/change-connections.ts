import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { type Connection, Prisma } from "../db/generated/client.ts";
import { Conflict, Invalid } from "../errors.ts";
import { newId } from "../ids.ts";
import { notify } from "../live/notify.ts";
import { resumeWaitingFor } from "../runs/resume-waiting.ts";
import type { LeftRecorder } from "../trpc/contract/connections.ts";
import { leaveConnection } from "../watching/leave-streams.ts";
import { getConnector, validate } from "./connector-info.ts";
import { retire } from "./session-pool.ts";
import { auditedSettings, changedSettings } from "./settings-for-audit.ts";
import { findConnection, openCredentials, sealCredentials } from "./stored-connection.ts";
import { type FlowName, flowsByConnection } from "./used-by.ts";

export type NewConnection = { name: string; connector: string; settings?: unknown; credentials?: unknown };
export type ConnectionChange = {
  id: string;
  name?: string | undefined;
  settings?: unknown;
  /** absent fields stay as they are; null removes one */
  credentials?: unknown;
};

/**
 * Stores a connection; the system is not asked yet (`checkConnection` does that).
 *
 * @throws Invalid when settings or credentials do not fit the connector; Conflict "name-taken"
 */
export async function createConnection(ctx: ServerContext, entered: NewConnection): Promise<{ id: string }> {
  const { db, workspaceId } = ctx;
  const name = entered.name.trim();
  const connector = connectorOf(entered.connector);
  const { settings, credentials } = validate(connector, {
    settings: entered.settings,
    credentials: entered.credentials,
  });
  const id = newId("con");
  await orNameTaken(name, () =>
    db.$transaction(async (tx) => {
      await tx.connection.create({
        data: {
          id,
          workspaceId,
          name,
          connector: connector.id,
          settings: settings as Prisma.InputJsonValue,
          credentials: sealCredentials(workspaceId, id, credentials),
        },
      });
      await audit(tx, ctx, "connection.create", id, {
        name,
        connector: connector.id,
        settings: auditedSettings(connector, settings),
      });
      await notify(tx, workspaceId, { type: "connection", connectionId: id });
    }),
  );
  return { id };
}

function connectorOf(id: string) {
  try {
    return getConnector(id);
  } catch {
    const message = `There is no connector "${id.slice(0, 60)}". GET /api/v1/connectors lists them.`;
    throw new Invalid(message, [{ path: "connector", message: "unknown connector" }]);
  }
}

/**
 * Changes name, settings (as a whole) or single credentials. The state becomes “unchecked”.
 *
 * @throws Invalid; Conflict "name-taken"; Conflict "connection-in-use" when a flow names it and the name would change
 */
export async function updateConnection(ctx: ServerContext, change: ConnectionChange): Promise<{ ok: true }> {
  const { db, workspaceId } = ctx;
  const row = await findConnection(ctx, change.id);
  const connector = getConnector(row.connector);
  const name = change.name?.trim() ?? row.name;
  if (name !== row.name) refuseWhileUsed(row, await flowsUsing(ctx, row), "renamed");
  const { settings, credentials } = validate(connector, {
    settings: change.settings === undefined ? row.settings : change.settings,
    credentials: change.credentials === undefined ? openCredentials(row) : newCredentials(row, change.credentials),
  });
  await orNameTaken(name, () =>
    db.$transaction(async (tx) => {
      await tx.connection.update({
        where: { id: row.id, workspaceId },
        data: {
          name,
          settings: settings as Prisma.InputJsonValue,
          credentials: sealCredentials(workspaceId, row.id, credentials),
          state: "unchecked",
          stateMessage: null,
          checkedAt: null,
        },
      });
      await audit(tx, ctx, "connection.update", row.id, {
        name,
        ...(name === row.name ? {} : { formerName: row.name }),
        settings: changedSettings(connector, row.settings, settings),
        credentials: namesOf(change.credentials),
      });
      await resumeWaitingFor(tx, workspaceId, name); // they try again; what is still wrong makes them wait again
      await notify(tx, workspaceId, { type: "connection", connectionId: row.id });
    }),
  );
  retire(row);
  return { ok: true };
}

/** Names of the credentials that were entered or removed. */
function namesOf(credentials: unknown): string[] {
  return typeof credentials === "object" && credentials !== null ? Object.keys(credentials).sort() : [];
}

function newCredentials(row: Connection, entered: unknown): unknown {
  try {
    return laidOver(openCredentials(row), entered);
  } catch {
    return laidOver({}, entered); // its key is gone; what is entered now replaces it
  }
}

/** A change of single entries: an absent one stays as it was, null removes it. What is no record replaces all. */
export function laidOver(before: unknown, entered: unknown): unknown {
  if (typeof entered !== "object" || entered === null || Array.isArray(entered)) return entered;
  const merged = { ...(before as object), ...entered };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null && value !== undefined));
}

/**
 * Removes a connection, and from the system what was installed there by way of it to record changes.
 *
 * @returns `recorders`: what could not be taken out, with what to do by hand
 * @throws Conflict "connection-in-use", naming the flows
 */
export async function removeConnection(
  ctx: ServerContext,
  { id }: { id: string },
): Promise<{ ok: true; recorders?: LeftRecorder[] }> {
  const { db, workspaceId } = ctx;
  const row = await findConnection(ctx, id);
  refuseWhileUsed(row, await flowsUsing(ctx, row), "removed");
  await db.$transaction(async (tx) => {
    await tx.connection.delete({ where: { id: row.id, workspaceId } });
    await audit(tx, ctx, "connection.delete", row.id, { name: row.name, connector: row.connector });
    await notify(tx, workspaceId, { type: "connection", connectionId: row.id });
  });
  const recorders = await leaveConnection(ctx, row);
  retire(row);
  return { ok: true, ...(recorders.length > 0 ? { recorders } : {}) };
}

async function flowsUsing(ctx: ServerContext, row: Connection): Promise<FlowName[]> {
  return (await flowsByConnection(ctx)).get(row.name) ?? [];
}

function refuseWhileUsed(row: Connection, flows: FlowName[], verb: "renamed" | "removed"): void {
  if (flows.length === 0) return;
  const names = flows.slice(0, 5).map(({ name }) => `“${name}”`);
  const others = flows.length > 5 ? ` and ${flows.length - 5} more` : "";
  throw new Conflict(
    "connection-in-use",
    `“${row.name}” cannot be ${verb} while flows use it: ${names.join(", ")}${others}. Let them use another connection or remove them first.`,
    { flows },
  );
}

async function orNameTaken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2002")
      throw new Conflict("name-taken", `There is a connection named “${name}” already. Choose another name.`, { name });
    throw error;
  }
}
