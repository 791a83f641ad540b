import { failureOf } from "../../connectors/sdk/errors.ts";
import type { ServerContext } from "../context.ts";
import type { Connection } from "../db/generated/client.ts";
import { asUseCaseError } from "../failure.ts";
import { notify } from "../live/notify.ts";
import { logUnexpected } from "../log.ts";
import { resumeWaitingFor } from "../runs/resume-waiting.ts";
import type { ConnectionState } from "../trpc/contract/connections.ts";
import { discover } from "./discover.ts";
import { closeCircuit, probeFailed } from "./guard/circuit.ts";
import { within } from "./limit.ts";
import { openFresh } from "./session-pool.ts";
import { findConnection, openOptions, redactFor } from "./stored-connection.ts";

const checkLimitMs = 15_000;

/**
 * Talks to the system once with a session of its own, and remembers the result as the connection's state.
 *
 * @returns ok, or the reason in a sentence that says what to do; never throws for the system's sake
 */
export async function checkConnection(
  ctx: ServerContext,
  { id }: { id: string },
): Promise<{ ok: boolean; message?: string }> {
  const row = await findConnection(ctx, id);
  try {
    const { message } = await within(row.name, checkLimitMs, async (signal) => {
      const session = await openFresh(row);
      try {
        return await session.check(signal);
      } finally {
        void session.close().catch(() => {});
      }
    });
    return await answers(ctx, row, message);
  } catch (error) {
    if (!asUseCaseError(error)) logUnexpected(error, { connection: row.id });
    const { kind, code, message } = failureOf(error);
    const safe = redacted(row, asUseCaseError(error)?.message ?? message);
    // it is up, and wants to be asked less often; or we ask it less often ourselves
    if (code === "rate-limited") return await answers(ctx, row, safe);
    const refused = kind === "credentials" || asUseCaseError(error)?.code.startsWith("secret-");
    await setConnectionState(ctx, row.id, refused ? "refused" : "unreachable", safe);
    if (!refused) await probeFailed(ctx.pool, row, safe);
    return { ok: false, message: safe };
  }
}

/**
 * Hands on what was asked of a system. When it fails in a way that speaks of the connection and not of what was asked, the
 * connection is checked, so that screens do not go on saying that it answers.
 */
export async function sayIfAway<T>(ctx: ServerContext, { id }: { id: string }, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const { kind, code } = failureOf(error);
    const ofConnection =
      kind === "credentials" || (kind === "transient" && code !== "rate-limited" && code !== "unexpected");
    if (ofConnection) checkOnce(ctx, id).catch((problem: unknown) => logUnexpected(problem, { connection: id }));
    throw error;
  }
}

const checks = new Map<string, Promise<unknown>>();

/** However many questions fail together, the system is checked once. */
function checkOnce(ctx: ServerContext, id: string): Promise<unknown> {
  const running = checks.get(id) ?? checkConnection(ctx, { id }).finally(() => checks.delete(id));
  checks.set(id, running);
  return running;
}

async function answers(ctx: ServerContext, row: Connection, message: string | undefined) {
  await setConnectionState(ctx, row.id, "ok");
  await closeCircuit(ctx.pool, row);
  await ctx.db.$transaction((tx) => resumeWaitingFor(tx, ctx.workspaceId, row.name)); // runs that waited for just this
  void discover(row, { refresh: true }).catch(() => {}); // the screen asks for it next
  return { ok: true, ...(message ? { message } : {}) };
}

function redacted(row: Parameters<typeof openOptions>[0], message: string): string {
  try {
    const { connector, credentials } = openOptions(row);
    return redactFor(connector, credentials, message);
  } catch {
    return message; // its credentials cannot even be decrypted, so none can be in the message
  }
}

/**
 * Remembers how a connection was last found; screens that show it are told. Workers call this with "refused" when the
 * system rejects the credentials in the middle of a run.
 */
export async function setConnectionState(
  { db, workspaceId }: Pick<ServerContext, "db" | "workspaceId">,
  connectionId: string,
  state: ConnectionState,
  message: string | null = null,
): Promise<void> {
  await db.connection.updateMany({
    where: { id: connectionId, workspaceId },
    data: { state, stateMessage: message, checkedAt: new Date() },
  });
  await notify(db, workspaceId, { type: "connection", connectionId });
}
