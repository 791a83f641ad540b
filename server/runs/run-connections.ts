/** The connections a run works with: opened once per run, shared within the process, given back at its end. */
import { connectorById } from "../../connectors/registry.ts";
import { type FailureInfo, IntegrationError } from "../../connectors/sdk/errors.ts";
import { ConnectionFailed, type RunConnection } from "../../engine/ports.ts";
import type { ConnectionShape, FlowWorld } from "../../engine/steps/define-step.ts";
import { type Asking, discover } from "../connections/discover.ts";
import { isDown, openCircuit, seemsOpen } from "../connections/guard/circuit.ts";
import { guardedSession, targetDown } from "../connections/guard/guarded-session.ts";
import { paceOf, sharePace } from "../connections/guard/shared-pace.ts";
import { borrow } from "../connections/session-pool.ts";
import type { Connection } from "../db/generated/client.ts";
import type { Database } from "../db/prisma.ts";
import { together } from "../db/together.ts";
import { asUseCaseError } from "../failure.ts";

export type RunConnections = {
  /** names that will be asked for: their rows are read together, when the first of them is */
  expect(names: Iterable<string>): void;
  connection(name: string): Promise<RunConnection>;
  connectionById(id: string): Promise<RunConnection>;
  /** streams and sinks of these connections, for compiling. @throws IntegrationError when one cannot be asked */
  world(names: Iterable<string>, asking?: Asking): Promise<FlowWorld>;
  /**
   * Whether the system is down, now that a call failed in this way: then the run waits without costing an attempt, and
   * goes on by itself.
   */
  isDown(name: string, failure: FailureInfo): Promise<boolean>;
  release(): void;
};

/** @param hurry what the systems offered a minute ago will do: for runs that change things within moments */
export function runConnections(
  { db, pool }: Pick<Database, "db" | "pool">,
  workspaceId: string,
  { hurry = false }: Pick<Asking, "hurry"> = {},
): RunConnections {
  const open = new Map<string, Promise<RunConnection>>();
  const releases: (() => void)[] = [];
  const rows = new Map<string, Promise<Connection | null>>();

  const expected = new Set<string>();
  const rowByName = (name: string) => {
    const known = rows.get(name);
    if (known) return known;
    const names = [...new Set([name, ...expected])].filter((one) => !rows.has(one));
    const found = readConnections(pool, { workspaceId, names });
    for (const one of names)
      rows.set(
        one,
        found.then((all) => all.find((row) => row.name === one) ?? null),
      );
    return rows.get(name)!;
  };

  /** did not answer when this run asked: the failure is remembered for others, but this run asks anew */
  const silent = new Set<string>();
  const offers = async (row: Connection, asking: Asking) => {
    const refresh = silent.delete(row.id) || asking.refresh;
    return await discover(row, { ...asking, refresh }).catch((error: unknown) => {
      silent.add(row.id);
      throw error;
    });
  };

  const openRow = (row: Connection): Promise<RunConnection> => {
    let opened = open.get(row.id);
    if (!opened) {
      opened = (async () => {
        await sharePace(pool, row.id);
        const found = await guarded(row, () => offers(row, { hurry }));
        const { session: bare, release } = await guarded(row, () => borrow(row));
        releases.push(release);
        const pace = connectorById(row.connector)?.paced ? undefined : paceOf(row);
        const session = guardedSession({ session: bare, pool, connection: row, pace });
        return { id: row.id, session, sinks: found.sinks };
      })();
      open.set(row.id, opened);
      // a failed opening is tried again by the next page, not remembered
      opened.catch(() => open.delete(row.id));
    }
    return opened;
  };

  /** Does what asks the system, unless it is known to be down; a failure names the connection. */
  const guarded = async <T>(row: Connection, work: () => Promise<T>): Promise<T> => {
    try {
      if (await seemsOpen(pool, row.id)) throw targetDown(row.name);
      return await asIntegration(work);
    } catch (error) {
      if (error instanceof IntegrationError) throw new ConnectionFailed(row.name, error);
      throw error;
    }
  };

  return {
    expect(names) {
      for (const name of names) expected.add(name);
    },
    async connection(name) {
      const row = await rowByName(name);
      if (!row)
        throw missing(
          `There is no connection named “${name}”. Create it under Connections, or choose another in the flow.`,
        );
      return await openRow(row);
    },
    async connectionById(id) {
      const row = await db.connection.findFirst({ where: { id, workspaceId } });
      if (!row) throw missing("The connection this run wrote to was removed. Its records cannot be reached any more.");
      return await openRow(row);
    },
    async world(names, asking) {
      for (const name of names) expected.add(name);
      const found = await Promise.all([...new Set(names)].map((name) => rowByName(name)));
      const shapes = await Promise.all(
        found
          .filter((row) => row !== null)
          .map(async (row): Promise<ConnectionShape> => {
            const { streams, sinks } = await guarded(row, () =>
              offers(row, { hurry: hurry && !asking?.doubt, ...asking }),
            );
            return { name: row.name, connector: row.connector, streams, sinks };
          }),
      );
      return { connections: new Map(shapes.map((shape) => [shape.name, shape])) };
    },
    async isDown(name, failure) {
      const row = await rowByName(name);
      if (!row) return false;
      if (failure.code === "target-down") return true;
      try {
        const { session, release } = await asIntegration(() => borrow(row));
        return await isDown(pool, row, session, failure).finally(release);
      } catch (error) {
        if (!(error instanceof IntegrationError)) throw error;
        if (error.kind === "transient") await openCircuit(pool, row, error.message);
        return error.kind === "transient";
      }
    },
    release() {
      for (const release of releases.splice(0)) release();
    },
  };
}

/** The rows of these connections, as they are now, for all runs that ask at about the same time. */
const readConnections = together<{ workspaceId: string; names: string[] }, Connection[]>({
  most: 50,
  async work(lanes, asked) {
    const pairs = new Map(
      asked.flatMap(({ workspaceId, names }) =>
        names.map((name) => [JSON.stringify([workspaceId, name]), { workspaceId, name }] as const),
      ),
    );
    const wanted = [...pairs.values()];
    const { rows } = await lanes.query<Connection>({
      name: "run-connections",
      text: `SELECT c.id, c.workspace_id AS "workspaceId", c.name, c.connector, c.settings, c.credentials, c.state,
         c.state_message AS "stateMessage", c.checked_at AS "checkedAt", c.created_at AS "createdAt", c.updated_at AS "updatedAt"
       FROM unnest($1::text[], $2::text[]) AS a(workspace, name)
       JOIN connection c ON c.workspace_id = a.workspace AND c.name = a.name`,
      values: [wanted.map(({ workspaceId }) => workspaceId), wanted.map(({ name }) => name)],
    });
    return asked.map(({ workspaceId, names }) =>
      rows.filter((row) => row.workspaceId === workspaceId && names.includes(row.name)),
    );
  },
});

function missing(message: string): IntegrationError {
  return new IntegrationError(message, { kind: "settings", code: "connection-missing" });
}

/** Failures of our own use cases (a key that cannot decrypt) in the form a run understands. */
async function asIntegration<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof IntegrationError) throw error;
    const known = asUseCaseError(error);
    if (!known) throw error;
    throw new IntegrationError(known.message, { kind: "credentials", code: known.code, cause: error });
  }
}
