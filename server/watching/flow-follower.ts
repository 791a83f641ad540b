/** Follows the changes of one flow's stream: decides when a run is needed. */
import type pg from "pg";
import type { Watching } from "../../connectors/sdk/changes.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import { changesPosition } from "../../engine/steps/read/position.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import { startChangesRun } from "./start-changes-run.ts";

export type WatchedFlow = {
  flowId: string;
  workspaceId: string;
  stepId: string;
  connection: string;
  stream: string;
  everyMs: number;
  paused: boolean;
  version: number;
};

/** Runs that follow one another without a pause come further apart, so that a flood is written in bulk. */
const GAPS_MS = [0, 0, 20, 50, 100];
const QUIET_MS = 2_000;

type Standing = { position: Json; active: boolean; nextAt: Date | null };

export class FlowFollower {
  readonly #pool: pg.Pool;
  readonly #failed: (error: unknown) => void;
  #flow: WatchedFlow;
  #watching: Watching | undefined;
  #signal: AbortSignal;
  #working: Promise<void> | undefined;
  /** what to do once more: look, or start at once as a notification came */
  #again: "look" | "start" | null = null;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #streak = 0;
  #told = "";

  /** @param failed what asking the connection ended in */
  constructor(pool: pg.Pool, flow: WatchedFlow, signal: AbortSignal, failed: (error: unknown) => void) {
    this.#pool = pool;
    this.#flow = flow;
    this.#signal = signal;
    this.#failed = failed;
  }

  get flow(): WatchedFlow {
    return this.#flow;
  }

  /** The flow as it is now. Looks when it was changed or resumed. */
  update(flow: WatchedFlow): void {
    const before = this.#flow;
    this.#flow = flow;
    if (before.version !== flow.version) this.#told = "";
    if (before.version !== flow.version || (before.paused && !flow.paused)) this.look();
  }

  /** An open session to ask; undefined: the connection cannot be asked now. */
  use(watching: Watching | undefined): void {
    this.#watching = watching;
  }

  /** Something changed in the stream. */
  changed(): void {
    this.#want("start");
  }

  /** Something may have changed. */
  look(): void {
    this.#want("look");
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#again = null;
    await this.#working;
  }

  #want(what: "look" | "start"): void {
    if (this.#signal.aborted || this.#flow.paused) return;
    if (this.#again !== "start") this.#again = what;
    if (this.#timer || this.#working) return;
    const gap = GAPS_MS[Math.min(this.#streak, GAPS_MS.length - 1)] as number;
    const waitMs = this.#startedAt + gap - Date.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#begin();
      }, waitMs);
    } else this.#begin();
  }

  #begin(): void {
    const what = this.#again;
    if (!what || this.#working) return;
    this.#again = null;
    this.#working = this.#work(what)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#working = undefined;
        const more = this.#again;
        if (more) this.#want(more);
      });
  }

  async #work(what: "look" | "start"): Promise<void> {
    const watching = this.#watching;
    if (!watching) return;
    // what notifies is recorded: no need to look first. A run that is active makes us look again when it ends
    if (what === "start" && this.#told === "live") return await this.#start();
    const { position, active, nextAt } = await this.#standing();
    const { stream } = this.#flow;
    const { live, missed, pending, note } = await watching.look({ stream, position, signal: this.#signal });
    // until the next run has its place among the changes, what is deleted could be missed
    await this.#tell(live ? (missed ? null : true) : false, note ?? null);
    if (active) return;
    if (live) return pending ? await this.#start() : undefined;
    if (nextAt && nextAt > new Date()) return;
    await this.#start();
    const next = new Date(Date.now() + this.#flow.everyMs);
    await this.#pool.query("UPDATE flow_watch SET next_at = $2 WHERE flow_id = $1", [this.#flow.flowId, next]);
  }

  async #standing(): Promise<Standing> {
    const { flowId, stepId } = this.#flow;
    const { rows } = await this.#pool.query<{ stored: Json; active: boolean; nextAt: Date | null }>({
      name: "changes-standing",
      text: `SELECT p.watermark AS stored, w.next_at AS "nextAt",
          EXISTS (SELECT FROM run r WHERE r.flow_id = $1 AND r.kind = 'flow' AND r.mode = 'live'
            AND r.state IN ('queued', 'running', 'waiting')) AS active
        FROM flow_watch w LEFT JOIN flow_position p ON p.flow_id = w.flow_id AND p.step_id = $2 WHERE w.flow_id = $1`,
      values: [flowId, stepId],
    });
    const row = rows[0];
    if (!row) return { position: null, active: true, nextAt: null }; // it follows nothing any more
    return { ...row, position: changesPosition(this.#flow, row.stored) };
  }

  async #start(): Promise<void> {
    const now = Date.now();
    if ((await startChangesRun(this.#pool, this.#flow.flowId)) === null) return;
    this.#streak = now - this.#startedAt < QUIET_MS ? this.#streak + 1 : 0;
    this.#startedAt = now;
  }

  /** Keeps what screens show of it. */
  async #tell(live: boolean | null, note: string | null): Promise<void> {
    const told = live ? "live" : `${live}: ${note}`;
    if (told === this.#told) return;
    const { flowId, workspaceId } = this.#flow;
    await this.#pool.query(
      "UPDATE flow_watch SET live = $2::boolean, note = $3, looked_at = now(), next_at = CASE WHEN $2::boolean THEN NULL ELSE next_at END WHERE flow_id = $1",
      [flowId, live, note],
    );
    const event = { ws: workspaceId, type: "flow", flowId };
    await this.#pool.query("SELECT pg_notify($1, $2)", [LIVE_CHANNEL, JSON.stringify(event)]);
    this.#told = told;
  }

  /** The connection cannot be asked: said once. */
  async cannotAsk(reason: string): Promise<void> {
    await this.#tell(false, reason);
  }
}
