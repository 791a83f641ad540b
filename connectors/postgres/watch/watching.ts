/** A PostgreSQL session's part in watching tables. */

import type { Watching } from "../../sdk/changes.ts";
import { IntegrationError } from "../../sdk/errors.ts";
import type { Table } from "../catalog.ts";
import type { Clients } from "../client.ts";
import { callFailure, serverTrouble, shapeChanged } from "../errors.ts";
import type { Tables } from "../tables.ts";
import { ShapeChanged } from "../transaction.ts";
import { readChanges } from "./changes.ts";
import { installRecorder, planRecorder, removalScript, removeRecorder } from "./install.ts";
import { keepReaders } from "./keep.ts";
import { listenToRecorders } from "./listen.ts";
import { isWhole, lookAt } from "./look.ts";
import { inLog, readPosition } from "./position.ts";

/** @param onTable works on the table as last seen, and once more when that proves outdated */
export function openWatching(
  clients: Clients,
  tables: Tables,
  onTable: <T>(name: string, work: (table: Table) => Promise<T>) => Promise<T>,
): Watching {
  /** streams by the number of their watch, as far as they were looked at */
  const known = new Map<string, string>();

  async function fresh(stream: string, signal: AbortSignal): Promise<Table> {
    signal.throwIfAborted();
    tables.forget(stream);
    return await tables.get(stream);
  }

  return {
    async *changes(request) {
      const table = await tables.get(request.stream);
      try {
        yield* readChanges(clients, table, request);
      } catch (error) {
        if (!(error instanceof ShapeChanged)) throw error;
        tables.forget(request.stream);
        const found = error.cause instanceof Error ? error.cause.message : String(error.cause);
        throw new IntegrationError(
          `“${clients.access.name}”: ${request.stream} changed while it was in use (${found}).`,
          { kind: "transient", code: "table-changed", cause: error.cause },
        );
      }
    },
    look: ({ stream, position, signal }) =>
      onTable(stream, (table) =>
        clients.use(async (client) => {
          signal.throwIfAborted();
          try {
            const place = readPosition(position);
            const look = await lookAt(client, table, stream, place);
            if ("why" in look) return { live: false, missed: false, pending: false, note: look.why };
            known.set(look.now.watch, stream);
            const whole = place !== null && inLog(place) && isWhole(place, look);
            return { live: true, missed: !whole, pending: !whole || look.pending || place.load !== undefined };
          } catch (error) {
            if (shapeChanged(error)) throw new ShapeChanged(error);
            throw callFailure(clients.access, error, stream) ?? serverTrouble(clients.access, error, stream);
          }
        }),
      ),
    listen: (request, changed) => listenToRecorders(clients, request, (watch) => changed(known.get(watch) ?? null)),
    plan: async (stream, signal) => planRecorder(clients, await fresh(stream, signal), stream),
    async install(stream, signal) {
      await installRecorder(clients, await fresh(stream, signal), stream);
      tables.forget(stream);
    },
    async remove(stream, signal, unless) {
      const removed = await removeRecorder(clients, await fresh(stream, signal), stream, unless);
      tables.forget(stream);
      return removed;
    },
    removal: (stream) => removalScript(tables.schema, stream),
    async keep({ stream, owner, readers, signal }) {
      signal.throwIfAborted();
      const table = await tables.get(stream);
      try {
        if (!(await keepReaders(clients, table, { owner, readers }))) await installRecorder(clients, table, stream);
      } catch (error) {
        throw callFailure(clients.access, error, stream) ?? serverTrouble(clients.access, error, stream);
      }
    },
  };
}
