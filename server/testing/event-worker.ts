/** The product's HTTP server and a worker for events, in this process, for tests that send events over the wire. */
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerContext } from "../context.ts";
import { drainEvents } from "../events/drain-events.ts";
import { createApiServer } from "../http-server.ts";
import { showPresence } from "../processes/presence.ts";
import { getRun } from "../runs/get-run.ts";
import type { TestDatabase } from "./database.ts";

export type EventWorker = {
  url: string;
  /** Address of a flow's webhook. */
  hookOf(flowId: string): Promise<string>;
  stop(): Promise<void>;
};

export async function startEventWorker(database: TestDatabase): Promise<EventWorker> {
  const { db, pool } = database;
  const stopping = new AbortController();
  const api = createApiServer(database);
  await new Promise<void>((listening) => api.server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`;
  const presence = await showPresence(pool, "worker");
  const drain = await drainEvents({ db, pool, workerId: presence.id, signal: stopping.signal, held: presence.held });
  return {
    url,
    async hookOf(flowId) {
      const flow = await db.flow.findUniqueOrThrow({ where: { id: flowId } });
      return `${url}/hooks/${flow.hookKey}`;
    },
    async stop() {
      stopping.abort();
      await drain.stop();
      await presence.stop();
      await api.stop(1_000);
    },
  };
}

/** Sends an event; `body` as it is when it is text. */
export async function postEvent(hook: string, body: unknown, headers: { [name: string]: string } = {}) {
  const response = await fetch(hook, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { id: string; ids?: string[] },
  };
}

/** @throws Error when `look` finds nothing in time */
export async function until<T>(
  look: () => Promise<T | null | undefined | false>,
  what: string,
  ms = 15_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`Waited ${ms} ms in vain: ${what}`);
    await sleep(20);
  }
}

/** The run of an event, when it has ended. */
export const runEnded = (ctx: ServerContext, id: string) =>
  until(async () => {
    const { run, steps, balanced } = await getRun(ctx, id).catch(() => ({ run: null, steps: [], balanced: false }));
    return run?.finishedAt ? { run, steps, balanced } : null;
  }, `run ${id} ends`);
