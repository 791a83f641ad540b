/** A session as runs use it: it does not ask a system that is down, and keeps the pace all workers share. */
import type pg from "pg";
import type { ChangesPage, ChangesRequest } from "../../../connectors/sdk/changes.ts";
import { IntegrationError } from "../../../connectors/sdk/errors.ts";
import type { Pace } from "../../../connectors/sdk/http-pace.ts";
import type { ConnectorSession } from "../../../connectors/sdk/types.ts";
import { ConnectionFailed } from "../../../engine/ports.ts";
import { seemsOpen } from "./circuit.ts";

export type Guarded = {
  session: ConnectorSession;
  pool: pg.Pool;
  connection: { id: string; name: string };
  /** of connectors that do not ask it before each request themselves: each call counts as one */
  pace?: Pace | undefined;
};

/** The failure of what was not even tried. */
export function targetDown(name: string): ConnectionFailed {
  const message = `“${name}” does not answer at present, so it was not asked. It is asked again from time to time.`;
  return new ConnectionFailed(name, new IntegrationError(message, { kind: "transient", code: "target-down" }));
}

export function guardedSession({ session, pool, connection, pace }: Guarded): ConnectorSession {
  const named = (error: unknown) =>
    error instanceof IntegrationError ? new ConnectionFailed(connection.name, error) : error;

  async function admit(signal?: AbortSignal): Promise<void> {
    // our own database is away: the run will notice by itself
    const open = await seemsOpen(pool, connection.id).catch(() => false);
    if (open) throw targetDown(connection.name);
    await pace?.turn(signal);
  }

  async function call<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await admit(signal);
    try {
      return await work();
    } catch (error) {
      throw named(error);
    } finally {
      pace?.done();
    }
  }

  async function* read(request: Parameters<ConnectorSession["read"]>[0]): ReturnType<ConnectorSession["read"]> {
    await admit(request.signal);
    pace?.done();
    try {
      for await (const page of session.read(request)) {
        yield page;
        await pace?.turn(request.signal);
        pace?.done();
      }
    } catch (error) {
      throw named(error);
    }
  }

  async function* changes(request: ChangesRequest): AsyncGenerator<ChangesPage> {
    await admit(request.signal);
    pace?.done();
    try {
      for await (const page of session.watching!.changes(request)) {
        yield page;
        await pace?.turn(request.signal);
        pace?.done();
      }
    } catch (error) {
      throw named(error);
    }
  }

  const { settle, watching } = session;
  return {
    check: (signal) => session.check(signal),
    streams: (signal) => call(() => session.streams(signal), signal),
    sinks: (signal) => call(() => session.sinks(signal), signal),
    read,
    write: (request, hooks) => call(() => session.write(request, hooks), request.signal),
    foresee: (request) => call(() => session.foresee(request), request.signal),
    ...(session.find ? { find: (request) => call(() => session.find!(request), request.signal) } : {}),
    ...(watching ? { watching: { ...watching, changes } } : {}),
    ...(session.ranges ? { ranges: (request) => call(() => session.ranges!(request), request.signal) } : {}),
    ...(session.mark ? { mark: (request) => call(() => session.mark!(request), request.signal) } : {}),
    undo: (request, hooks) => call(() => session.undo(request, hooks), request.signal),
    ...(settle ? { settle: (receipt, signal) => call(() => settle.call(session, receipt, signal), signal) } : {}),
    close: () => session.close(),
  };
}
