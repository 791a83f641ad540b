/** What PostgreSQL keeps of a flow's events (server/events, server/intake), for the model of their drain: each method is one transaction. */
import type { Json } from "../../../connectors/sdk/types.ts";
import {
  LeaseLost,
  type LedgerDraft,
  type LedgerFix,
  type OpenEntry,
  type OutcomeCounts,
  type PartAddress,
  RunsCancelled,
} from "../../ports.ts";
import { noOutcomes } from "../counts.ts";
import type { EventBatch, EventStore, EventsWait, HalfBatch, Settlement } from "../event-batch.ts";
import type { EventRun } from "../process-events.ts";
import { eventsStopped, type StopCondition } from "../stop-condition.ts";
import type { Fate } from "./protocol-model.ts";

export type EventState = "queued" | "waiting" | "cancelled" | "succeeded" | "succeeded_with_errors" | "failed";
type Run = { state: EventState; read: number; outcomes: OutcomeCounts; ended: boolean };
type Change = LedgerDraft & { run: string; address: PartAddress; state: "done" | "void" | "unknown" };
type Part = { address: PartAddress; receipt: Json | undefined; token: number; runs: string[]; landed: boolean };

export type Claimed = Omit<EventBatch, "flowId" | "now"> & { cancels: number; cancelling: boolean };

const same = (a: PartAddress, b: PartAddress) => a.step === b.step && a.part === b.part;

export class MemoryInbox {
  token = 0;
  cancels = 0;
  cancelsEnded = 0;
  paused = false;
  /** how often the flow stopped by itself */
  stops = 0;
  failures = 0;
  failingSince: Date | null = null;
  wait: { reason: EventsWait["reason"]; resumeAt: Date | null } | null = null;
  queue: EventRun[] = [];
  readonly known = new Map<string, EventRun>();
  /** stored once a run has ended or waits */
  readonly runs = new Map<string, Run>();
  changes: Change[] = [];
  sending: Part[] = [];
  letters: { run: string; key: string; code: string }[] = [];
  parked: { run: string; key: string }[] = [];
  #countedFrom = 0;
  readonly #asked = new Set<string>();

  /** Intake: one event per id. */
  take(eventId: string, records: EventRun["records"]): void {
    if (this.known.has(eventId)) return;
    const event = { runId: String(this.known.size + 1), eventId, records };
    this.known.set(eventId, event);
    this.queue.push(event);
  }

  claim(token: number, limit: number, now: Date): Claimed {
    if (token !== this.token) throw new LeaseLost("flw");
    const cancelling = this.cancels !== this.cancelsEnded;
    const rests = this.paused || (this.wait !== null && (this.wait.resumeAt === null || this.wait.resumeAt > now));
    return {
      events: rests || cancelling ? [] : this.queue.slice(0, limit),
      failures: this.failures,
      failingSince: this.failingSince,
      waited: this.wait !== null,
      cancels: this.cancels,
      cancelling,
    };
  }

  /** A person's side of server/events/cancel-events.ts. Returns the run's state then. */
  cancel(runId: string): EventState | null {
    if (!this.queue.some((event) => event.runId === runId)) return null;
    this.cancels++;
    const run = this.runs.get(runId) ?? { state: "queued", read: 0, outcomes: noOutcomes(), ended: false };
    this.runs.set(runId, run);
    if (run.state === "cancelled") return run.state;
    if (this.changes.some((change) => change.run === runId && change.state !== "void")) {
      run.state = "queued";
      this.#asked.add(runId);
    } else Object.assign(run, { state: "cancelled", ended: true });
    return run.state;
  }

  cancelled(): { id: string; asked: boolean }[] {
    const gone = this.queue.filter(
      ({ runId }) => this.runs.get(runId)?.state === "cancelled" || this.#asked.has(runId),
    );
    return gone.map(({ runId }) => ({ id: runId, asked: this.#asked.has(runId) }));
  }

  /** Ends a run that was cancelled after it was sent; what was in doubt has been looked up. */
  endAsked(token: number, runId: string): void {
    this.#fence(token);
    const rows = this.changes.filter((change) => change.run === runId && change.state !== "void");
    const counts = noOutcomes();
    // a change that was sent more than once under its key is one question
    const changes = [...Map.groupBy(rows, ({ idempotencyKey }) => idempotencyKey).values()];
    for (const tries of changes) {
      if (!tries.some((row) => this.#inDoubt(row))) {
        counts.created++;
        continue;
      }
      counts.dead++;
      for (const row of tries) row.state = "unknown";
      const [{ sourceKey, key } = {}] = tries;
      this.letters.push({ run: runId, key: sourceKey ?? key ?? "", code: "may-have-arrived" });
    }
    this.runs.set(runId, { state: "cancelled", read: changes.length, outcomes: counts, ended: true });
    this.#asked.delete(runId);
    this.#leaveQueue([runId]);
  }

  endCancelled(token: number, cancels: number, gone: string[]): void {
    this.#fence(token);
    this.#leaveQueue(gone);
    this.cancelsEnded = cancels;
    this.dropSettledParts();
  }

  dropSettledParts(): void {
    const waiting = new Set(this.queue.map(({ runId }) => runId));
    this.sending = this.sending.filter(({ runs }) => runs.some((run) => waiting.has(run)));
  }

  /** What an attempt with this lease finds open, and says of it. */
  recovery(fate: Fate, token: number): Pick<EventStore, "openEntries" | "settleParts"> {
    return {
      openEntries: () => fate.effect("open", () => this.#openEntries()),
      settleParts: (parts, fixes) =>
        fate.effect("settle parts", () => {
          this.#fence(token);
          for (const { address, landed } of parts) {
            for (const change of this.changes)
              if (!landed && same(change.address, address) && change.state === "done") change.state = "void";
            for (const part of this.sending) if (same(part.address, address)) part.landed = true;
          }
          this.#fix(fixes);
        }),
    };
  }

  store(fate: Fate, token: number, claimed: Claimed): EventStore {
    const batch = claimed.events.map(({ runId }) => runId);
    const sealed = () => {
      this.#fence(token);
      if (claimed.cancels !== this.cancels) throw new RunsCancelled("flw");
    };
    return {
      ...this.recovery(fate, token),
      enter: (address, drafts, runs, receipt) =>
        fate.effect("enter", () => {
          sealed();
          this.sending.push({ address, receipt, token, runs: [...new Set(runs)], landed: false });
          for (const [index, draft] of drafts.entries())
            this.changes.push({ ...draft, run: runs[index] as string, address, state: "done" });
        }),
      blocked: (keys, orParked) =>
        fate.effect("blocked", () => {
          const blocking = [...this.letters, ...(orParked ? this.parked : [])].map(({ key }) => key);
          return new Set(keys.filter((key) => blocking.includes(key)));
        }),
      seen: async () => new Set(),
      settle: (settlement, stop) =>
        fate.effect("settle", () => {
          sealed();
          this.#settle(settlement, stop);
        }),
      settleUnprocessed: () => Promise.reject(new Error("not part of this model")),
      keepHalf: (half) =>
        fate.effect("keep half", () => {
          this.#fence(token);
          this.#keep(token, half);
        }),
      wait: (wait) =>
        fate.effect("wait", () => {
          this.#fence(token);
          if (wait.half) this.#keep(token, wait.half);
          this.wait = { reason: wait.reason, resumeAt: wait.resumeAt };
          this.failures += wait.counted ? 1 : 0;
          if (wait.counted) this.failingSince ??= new Date(0);
          for (const run of batch) {
            const known = this.runs.get(run);
            if (!known) this.runs.set(run, { state: "waiting", read: 0, outcomes: noOutcomes(), ended: false });
            else if (!known.ended) known.state = "waiting";
          }
        }),
    };
  }

  #inDoubt({ run, address, state }: Change): boolean {
    const part = this.sending.find((one) => same(one.address, address) && one.runs.includes(run));
    return state === "unknown" || (part !== undefined && !part.landed);
  }

  #fence(token: number): void {
    if (token !== this.token) throw new LeaseLost("flw");
  }

  #settle({ result, parts, recovered }: Settlement, stop: StopCondition): void {
    for (const { runId, read, outcomes } of result.events) {
      if (this.runs.get(runId)?.ended) throw new Error(`Run ${runId} has ended twice.`);
      const state = outcomes.dead > 0 ? "succeeded_with_errors" : "succeeded";
      this.runs.set(runId, { state, read, outcomes, ended: true });
    }
    for (const { runId, key, failure } of result.letters) this.letters.push({ run: runId, key, code: failure.code });
    for (const { runId, key } of result.parked) this.parked.push({ run: runId, key });
    this.#fix(result.fixes);
    this.#leaveQueue(result.events.map(({ runId }) => runId));
    this.sending = this.sending.filter(({ address }) => !parts.includes(address.part));
    this.dropSettledParts();
    if (recovered) Object.assign(this, { failures: 0, failingSince: null, wait: null });
    const last = [...this.runs].filter(([id, { ended }]) => ended && Number(id) > this.#countedFrom);
    const sum = (count: (run: Run) => number) => last.reduce((total, [, run]) => total + count(run), 0);
    if (!eventsStopped(stop, { read: sum((run) => run.read), dead: sum((run) => run.outcomes.dead) })) return;
    this.paused = true;
    this.stops++;
    this.#countedFrom = Number(result.events.at(-1)?.runId);
  }

  #openEntries(): Awaited<ReturnType<EventStore["openEntries"]>> {
    const waiting = new Set(this.queue.map(({ runId }) => runId));
    const entries = this.sending.flatMap((part) =>
      this.changes
        .filter(({ run, address, state }) => same(address, part.address) && waiting.has(run) && state !== "void")
        .map(({ run: _, state, ...change }): OpenEntry => {
          return { ...change, state: part.landed && state === "done" ? "done" : "sending" };
        }),
    );
    const receipts = this.sending.flatMap(({ address, receipt, landed }) =>
      receipt === undefined || landed ? [] : [{ address, receipt }],
    );
    return { entries, receipts };
  }

  #keep(token: number, { fixes, parts, unsettled }: HalfBatch): void {
    const open = new Set(unsettled);
    this.#fix(fixes);
    for (const part of this.sending)
      if (part.token === token && parts.includes(part.address.part) && !open.has(part.address.part)) part.landed = true;
  }

  #fix(fixes: LedgerFix[]): void {
    for (const fix of fixes)
      for (const change of this.changes)
        if (same(change.address, fix) && change.key === fix.key)
          change.state = fix.unknown ? "unknown" : fix.landed ? "done" : "void";
  }

  #leaveQueue(runs: string[]): void {
    this.queue = this.queue.filter(({ runId }) => !runs.includes(runId));
  }
}
