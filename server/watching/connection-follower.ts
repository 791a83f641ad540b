/** Listens to one connection for all flows that follow its streams. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Watching } from "../../connectors/sdk/changes.ts";
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import { changesPosition } from "../../engine/steps/read/position.ts";
import { isDown, seemsOpen } from "../connections/guard/circuit.ts";
import { borrow } from "../connections/session-pool.ts";
import { contentKey } from "../connections/stored-connection.ts";
import type { Connection } from "../db/generated/client.ts";
import type { Database } from "../db/prisma.ts";
import { asUseCaseError } from "../failure.ts";
import { log } from "../log.ts";
import { FlowFollower, type WatchedFlow } from "./flow-follower.ts";

/** Notifications may be lost, or not come through (a connection pooler): so often it looks without one. */
const LOOK_MS = 5_000;
const KEEP_MS = 30_000;
const LONGEST_WAIT_MS = 5_000;
const STOP_WITHIN_MS = 2_000;

export class ConnectionFollower {
  readonly #base: Pick<Database, "db" | "pool">;
  readonly #row: Connection;
  readonly #stopping = new AbortController();
  readonly #flows = new Map<string, FlowFollower>();
  readonly #timers: NodeJS.Timeout[];
  readonly #listening: Promise<void>;
  #watching: Watching | undefined;
  #session: Awaited<ReturnType<typeof borrow>> | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #doubting = false;

  constructor(base: Pick<Database, "db" | "pool">, row: Connection) {
    this.#base = base;
    this.#row = row;
    this.#timers = [
      setInterval(() => this.look(), LOOK_MS),
      setInterval(() => this.#keep([...this.#streams()]), KEEP_MS),
    ];
    this.#listening = this.#listen();
  }

  /** Was the connection edited since, so that another session is needed? */
  isFor(row: Connection): boolean {
    return contentKey(row) === contentKey(this.#row);
  }

  /** The flows that follow it now. */
  update(flows: WatchedFlow[]): void {
    const before = this.#streams();
    const wanted = new Map(flows.map((flow) => [flow.flowId, flow]));
    for (const [id, follower] of this.#flows) {
      if (wanted.get(id)?.stepId === follower.flow.stepId && wanted.get(id)?.stream === follower.flow.stream) continue;
      this.#flows.delete(id);
      void follower.stop();
    }
    for (const [id, flow] of wanted) {
      const known = this.#flows.get(id);
      if (known) {
        known.update(flow);
        continue;
      }
      const made = new FlowFollower(this.#base.pool, flow, this.#stopping.signal, (error) => this.#failed(error));
      made.use(this.#watching);
      this.#flows.set(id, made);
      made.look();
    }
    const now = this.#streams();
    this.#keep([...before].filter((stream) => !now.has(stream)));
  }

  /** Something of the connection changed: a recorder was installed or removed. */
  look(): void {
    for (const flow of this.#flows.values()) flow.look();
  }

  /** A run of this flow ended: what came meanwhile has its turn. */
  runEnded(flowId: string): void {
    this.#flows.get(flowId)?.look();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.race([this.#keeping, sleep(STOP_WITHIN_MS)]);
    this.#stopping.abort(new Error("The connection is not followed here any more."));
    await Promise.allSettled([...this.#flows.values()].map((flow) => flow.stop()));
    await Promise.allSettled([this.#listening, this.#keeping]);
    this.#session?.release();
  }

  #streams(): Set<string> {
    return new Set([...this.#flows.values()].map(({ flow }) => flow.stream));
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        if (await seemsOpen(this.#base.pool, this.#row.id)) failures = Math.max(failures, 4);
        else {
          const watching = await this.#open();
          await watching.listen(
            {
              signal,
              listening: () => {
                failures = 0;
                this.look(); // what came while nobody listened
              },
            },
            (stream) => {
              for (const flow of this.#flows.values())
                if (stream === null) flow.look();
                else if (flow.flow.stream === stream) flow.changed();
            },
          );
        }
      } catch (error) {
        if (!signal.aborted) this.#failed(error);
      }
      const waitMs = Math.min(LONGEST_WAIT_MS, 100 * 2 ** Math.min(failures, 10));
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  async #open(): Promise<Watching> {
    if (this.#watching) return this.#watching;
    this.#session ??= await borrow(this.#row);
    const { watching } = this.#session.session;
    if (!watching)
      throw new IntegrationError(`“${this.#row.name}” cannot follow changes.`, {
        kind: "settings",
        code: "not-watchable",
      });
    this.#watching = watching;
    for (const flow of this.#flows.values()) flow.use(watching);
    return watching;
  }

  /** Asking failed: is it down (then all wait for the probe), and what do screens say meanwhile? */
  #failed(error: unknown): void {
    if (this.#stopping.signal.aborted || this.#doubting) return;
    this.#doubting = true;
    void this.#doubt(error)
      .catch((failure: unknown) => log.warn({ err: failure }, `“${this.#row.name}”: following changes failed`))
      .finally(() => {
        this.#doubting = false;
      });
  }

  async #doubt(error: unknown): Promise<void> {
    const known = error instanceof IntegrationError || asUseCaseError(error) !== undefined;
    if (!known) {
      log.warn({ err: error }, `“${this.#row.name}”: looking for changes failed; it is tried again`);
      return;
    }
    const info: FailureInfo = failureOf(error);
    const session = this.#session?.session;
    if (session && info.kind === "transient") await isDown(this.#base.pool, this.#row, session, info);
    const message = asUseCaseError(error)?.message ?? info.message;
    for (const flow of this.#flows.values()) await flow.cannotAsk(message);
  }

  /** Tells the recorders of these streams how far the flows are. */
  #keep(streams: string[]): void {
    const watching = this.#watching;
    if (!watching || streams.length === 0) return;
    this.#keeping = this.#keeping
      .then(async () => {
        for (const stream of streams) await this.#keepStream(watching, stream);
      })
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted)
          log.warn({ err: error }, `“${this.#row.name}”: saying how far flows have read its changes failed`);
      });
  }

  async #keepStream(watching: Watching, stream: string): Promise<void> {
    const { rows } = await this.#base.pool.query<{ id: string; stored: Json; paused: boolean; stepStream: string }>(
      `SELECT w.flow_id AS id, p.watermark AS stored, f.paused, w.stream AS "stepStream" FROM flow_watch w JOIN flow f ON f.id = w.flow_id
       LEFT JOIN flow_position p ON p.flow_id = w.flow_id AND p.step_id = w.step_id
       WHERE w.workspace_id = $1 AND w.connection = $2 AND w.stream = $3`,
      [this.#row.workspaceId, this.#row.name, stream],
    );
    const place = { connection: this.#row.name, stream };
    await watching.keep({
      stream,
      owner: this.#row.id,
      readers: rows.map(({ id, stored, paused }) => ({ id, paused, position: changesPosition(place, stored) })),
      signal: this.#stopping.signal,
    });
  }
}
