/** What the editor, previews and runs need of connections: a session to work with, and the world validation looks at. */
import type { ConnectorSession } from "../../connectors/sdk/types.ts";
import type { ConnectionShape, FlowWorld } from "../../engine/steps/define-step.ts";
import type { ServerContext } from "../context.ts";
import { type Asking, shapeOf } from "./discover.ts";
import { borrow } from "./session-pool.ts";
import { findConnection } from "./stored-connection.ts";

export type OpenConnection = {
  connection: { id: string; name: string; connector: string };
  session: ConnectorSession;
  /** Gives the session back. Call it exactly once; do not call `session.close`, others may share it. */
  release(): void;
};

/**
 * A session of the connection with this id or name, shared within the process.
 *
 * @throws NotFound; UseCaseError when its credentials cannot be decrypted; IntegrationError when the system cannot be reached
 */
export async function openSession(ctx: ServerContext, ref: string): Promise<OpenConnection> {
  const row = await findConnection(ctx, ref);
  const { id, name, connector } = row;
  return { connection: { id, name, connector }, ...(await borrow(row)) };
}

/** Does `work` with a session and gives it back, whatever happens. */
export async function withSession<T>(
  ctx: ServerContext,
  ref: string,
  work: (session: ConnectorSession, connection: OpenConnection["connection"]) => Promise<T>,
): Promise<T> {
  const { session, connection, release } = await openSession(ctx, ref);
  try {
    return await work(session, connection);
  } finally {
    release();
  }
}

/**
 * The connections of these names with their streams and sinks, asked in parallel with a limit of 15 s each and remembered
 * for a moment. A name that does not exist is absent; a connection that cannot be asked says why in `unavailable`.
 */
export async function worldFor(
  { db, workspaceId }: ServerContext,
  names: Iterable<string>,
  options: Asking = {},
): Promise<FlowWorld> {
  const rows = await db.connection.findMany({ where: { workspaceId, name: { in: [...new Set(names)] } } });
  const shapes = await Promise.all(rows.map((row) => shapeOf(row, options)));
  return { connections: new Map(shapes.map((shape): [string, ConnectionShape] => [shape.name, shape])) };
}
