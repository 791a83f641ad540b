/** Works through a flow's events, batch after batch, for as long as there are any. */
import { LeaseLost } from "../../engine/ports.ts";
import { nextLimit } from "../../engine/run/event-batch.ts";
import { OpenEntries } from "../../engine/run/open-entries.ts";
import { stopCondition } from "../../engine/run/stop-condition.ts";
import type { Database } from "../db/prisma.ts";
import { settingsOf, stepsOf } from "../flows/read-document.ts";
import { log } from "../log.ts";
import { runConnections } from "../runs/run-connections.ts";
import { planFor } from "../runs/run-plans.ts";
import { endCancelled } from "./cancel-events.ts";
import { claimEvents } from "./claim-events.ts";
import { type EventLease, giveEventLease, takeEventLease } from "./event-lease.ts";
import { learnFields } from "./learn-fields.ts";
import { tellProgress } from "./tell-progress.ts";
import { dropSettledParts } from "./wait-events.ts";
import { type EventsSite, type LiveFlow, workOnEvents } from "./work-on-events.ts";

export type DrainServices = Pick<Database, "db" | "pool"> & {
  workerId: string;
  /** aborted when the worker is asked to stop */
  signal: AbortSignal;
  /** see Presence */
  held(): AbortSignal;
};

const BATCH = 500;
/** A lease is kept this long after the last event, so that the next one need not ask for it. */
const IDLE_MS = 5_000;
/** A connection that was edited is noticed after so long; a failure notices at once. */
const CONNECTIONS_FRESH_MS = 5_000;
/** Another process has the flow's events: not asked again for so long. */
const HELD_MS = 500;
/** Ledger parts of one lease; numbers of leases wrap round far beyond any that could still be open. */
const PARTS_PER_LEASE = 100_000;
const LEASES = 20_000;

export class FlowDrain {
  readonly #services: DrainServices;
  readonly #flowId: string;
  #working: Promise<void> | undefined;
  #again = false;
  #site: EventsSite | undefined;
  #connectionsAt = 0;
  #idle: NodeJS.Timeout | undefined;
  #heldUntil = 0;
  #limit = BATCH;
  /** this version takes its events one by one */
  #alone = false;
  #version: { number: number; document: unknown } | undefined;

  constructor(services: DrainServices, flowId: string) {
    this.#services = services;
    this.#flowId = flowId;
  }

  /** There may be events. Never throws; what fails is logged, and the next look tries again. */
  wake(): void {
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#again && !this.#services.signal.aborted) this.wake();
    });
  }

  /** Waits for what is under way and lets other processes have the flow's events. */
  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    this.#again = false;
    await this.#working;
    await this.#release();
  }

  async #work(): Promise<void> {
    const { signal } = this.#services;
    clearTimeout(this.#idle);
    try {
      while (this.#again && !signal.aborted) {
        this.#again = false;
        if (!(await this.#takeLease())) return;
        while (!signal.aborted && (await this.#batch())) this.#site?.signal.throwIfAborted();
      }
    } catch (error) {
      if (!signal.aborted) await this.#failed(error);
    } finally {
      this.#idle = setTimeout(() => void this.#release().catch(() => {}), IDLE_MS);
      this.#idle.unref();
    }
  }

  /** Returns false when there is nothing to do now. */
  async #batch(): Promise<boolean> {
    const site = this.#site as EventsSite;
    const { pool } = this.#services;
    const claim = await claimEvents(pool, site.lease, this.#alone ? 1 : this.#limit);
    if (claim.cancelling) {
      await endCancelled(site, claim.cancels);
      return true;
    }
    if (claim.events.length === 0) return false;
    if (!claim.unsettled) site.open = new OpenEntries();
    this.#refreshConnections(site);
    const worked = await workOnEvents(site, claim, await this.#flow(site, claim.version ?? 0));
    if (worked === "one-by-one") this.#alone = true;
    this.#limit = nextLimit(worked, { limit: this.#limit, taken: claim.events.length, most: BATCH });
    if (worked === "waiting") this.#forgetConnections(site);
    const last = claim.events.at(-1);
    if (worked === "settled" && claim.unsettled) await dropSettledParts(pool, site.lease);
    if (worked === "settled" || worked === "waiting") {
      if (last) tellProgress(pool, site.lease, last.runId);
      learnFields(pool, site.lease);
    }
    return worked !== "waiting";
  }

  async #takeLease(): Promise<boolean> {
    if (this.#site) return true;
    if (Date.now() < this.#heldUntil) return false;
    const { db, pool, workerId, held } = this.#services;
    const signal = AbortSignal.any([this.#services.signal, held()]);
    const lease = await takeEventLease(pool, this.#flowId, workerId);
    if (!lease) {
      this.#heldUntil = Date.now() + HELD_MS;
      return false;
    }
    const connections = runConnections({ db, pool }, lease.workspaceId);
    const nextPart = (lease.token % LEASES) * PARTS_PER_LEASE;
    this.#connectionsAt = Date.now();
    this.#site = { base: { db, pool }, lease, connections, signal, nextPart, open: null };
    return true;
  }

  async #release(): Promise<void> {
    const site = this.#site;
    if (!site || this.#working) return;
    this.#site = undefined;
    site.connections.release();
    await giveEventLease(this.#services.pool, site.lease);
  }

  async #failed(error: unknown): Promise<void> {
    const lease: EventLease | undefined = this.#site?.lease;
    this.#site?.connections.release();
    this.#site = undefined;
    if (error instanceof LeaseLost) return;
    log.warn({ err: error }, `Events of flow ${this.#flowId}: interrupted; they go on in a moment`);
    if (lease) await giveEventLease(this.#services.pool, lease).catch(() => {});
  }

  #refreshConnections(site: EventsSite): void {
    if (Date.now() - this.#connectionsAt > CONNECTIONS_FRESH_MS) this.#forgetConnections(site);
    if (site.nextPart % PARTS_PER_LEASE > PARTS_PER_LEASE - 10_000) site.nextPart -= PARTS_PER_LEASE - 10_000;
  }

  #forgetConnections(site: EventsSite): void {
    const { db, pool } = this.#services;
    site.connections.release();
    site.connections = runConnections({ db, pool }, site.lease.workspaceId);
    this.#connectionsAt = Date.now();
  }

  async #flow({ connections }: EventsSite, version: number): Promise<LiveFlow> {
    if (this.#version?.number !== version) {
      const { rows } = await this.#services.pool.query<{ document: unknown }>(
        "SELECT document FROM flow_version WHERE flow_id = $1 AND version = $2",
        [this.#flowId, version],
      );
      this.#version = { number: version, document: rows[0]?.document };
      this.#alone = false;
      this.#limit = BATCH;
    }
    const { document } = this.#version;
    const trigger = stepsOf(document).find(({ kind }) => kind === "webhook" || kind === "event");
    return {
      trigger: typeof trigger?.id === "string" ? trigger.id : "webhook",
      kind: trigger?.kind === "event" ? "event" : "webhook",
      stop: stopCondition(settingsOf(document)),
      plan: () => planFor({ flowId: this.#flowId, version, document: () => document }, connections),
    };
  }
}
