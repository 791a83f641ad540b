/** The loop every run goes through: read ahead, work on a page, checkpoint, until done, out of time, stopped or failed. */
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import {
  type Checkpoint,
  type CheckpointReply,
  ConnectionFailed,
  type HalfPage,
  LeaseLost,
  type RunCounts,
  type RunFailure,
  type RunPorts,
  type UndoCounts,
} from "../ports.ts";
import { ahead } from "./ahead.ts";
import { settled } from "./counts.ts";
import { Lander } from "./lander.ts";
import type { Books } from "./left-behind.ts";
import { PageInterrupted, type PageWork, RunHalted } from "./page.ts";
import { afterTry, asksForTime, jittered, nextTry, type RetryPolicy } from "./retry.ts";
import { runStopped, type StopCondition } from "./stop-condition.ts";

/** How an attempt ended. `lost`: another attempt holds the run. */
export type AttemptEnd = "finished" | "yielded" | "waiting" | "lost";

export type Totals = RunCounts & UndoCounts;

/** What one attempt starts from. */
export type AttemptState = {
  runId: string;
  /** number of the next page */
  page: number;
  totals: Totals;
  failures: number;
  failingSince: Date | null;
  stoppedAt: { read: number; dead: number } | null;
};

/** A page worked on: everything of its checkpoint except what follows. */
export type WorkedPage = Omit<Checkpoint, "after">;

export type PageLoop<P, R> = {
  state: AttemptState;
  ports: RunPorts;
  /** pages from the last checkpoint on */
  pages: AsyncIterator<P>;
  /** what can be done before a page's turn to write; happens while the page before it lands */
  prepare(page: P, number: number): Promise<R>;
  /** writes one page */
  land(prepared: R, number: number): Promise<WorkedPage>;
  /** pages that may be written at once */
  width: number;
  /** with the last page: what earlier attempts left that no page has met with */
  leftBehind?(books: Books): Promise<void>;
  /** pages that were being written, or have landed without a checkpoint, when the attempt was interrupted */
  unfinished(): PageWork[];
  /** step and connection that reading belongs to, for failures while reading */
  reading: { step: string; connection?: string };
  retry: RetryPolicy;
  stop: StopCondition;
  /** dry runs and previews wait for a system no longer than a blip lasts: then they say what is wrong */
  patient: boolean;
  /** give the worker back after so long */
  sliceMs: number;
  /** a stretch of a run: the store ends the run with the last of them */
  stretch?: boolean;
};

/**
 * Runs pages until something ends the attempt. Pages overlap: one is read, one prepared, and `width` written;
 * the checkpoint of a page is stored while the next one is written.
 *
 * @throws on an outage of our own database only
 */
export async function runPages<P, R>(loop: PageLoop<P, R>): Promise<AttemptEnd> {
  const { ports, state } = loop;
  const startedAt = ports.clock().getTime();
  const prepared = preparedPages(loop);
  const lander = new Lander(prepared, {
    width: loop.width,
    first: state.page,
    halt: ports.halt,
    land: loop.land,
  });
  let saving: Promise<CheckpointReply> | null = null;
  let wish: CheckpointReply["stop"] = null;
  let stopNow: RunFailure | null = null;
  let late = false;
  try {
    for (;;) {
      ports.signal.throwIfAborted();
      const landed = await lander.next(late || wish !== null || stopNow !== null);
      const saved = await saving;
      wish = saved?.stop ?? wish;
      if (saved?.settled) add(state.totals, saved.settled);
      saving = null;
      if (!landed) {
        const empty: WorkedPage = { page: state.page, cursor: null, counts: {}, steps: {}, ...nothing() };
        await loop.leftBehind?.(empty);
        add(state.totals, empty.counts);
        await ports.store.checkpoint({ ...empty, after: end(loop) });
        return "finished";
      }
      if (landed.last) await loop.leftBehind?.(landed.worked);
      add(state.totals, landed.worked.counts);
      const workedMs = ports.clock().getTime() - startedAt;
      late = workedMs >= loop.sliceMs || workedMs < 0; // below 0: the clock was set back
      stopNow = stopReason(loop);
      const rest = landed.idle && (late || wish !== null || stopNow !== null);
      const yields = rest && wish === null && stopNow === null;
      const after = landed.last ? end(loop) : yields ? YIELD : CONTINUE;
      const storing = ports.store.checkpoint({ ...landed.worked, after });
      storing.catch(() => {}); // awaited, with its failure, when the next page has landed
      saving = storing;
      progressed(state);
      if (after.kind === "continue" && !rest) continue;
      const reply = await storing;
      wish = reply.stop ?? wish;
      if (reply.settled) add(state.totals, reply.settled);
      saving = null;
      if (after.kind === "finish" || after.kind === "done") return "finished";
      if (after.kind === "yield") return "yielded"; // a wish that came just now is met by the next attempt
      return await stopped(loop, wish, stopNow);
    }
  } catch (error) {
    await lander.settle();
    const failed = await settledSaving(saving);
    return await interrupted(loop, failed ?? error).catch((lost: unknown): AttemptEnd => {
      if (lost instanceof LeaseLost) return "lost"; // taken over just before it could store why it stops
      throw lost;
    });
  } finally {
    // ends reading ahead; not waited for, as a source that hangs must not hold the end of the attempt
    prepared.return(undefined).catch(() => {});
    loop.pages.return?.().catch(() => {});
  }
}

/** A person or a stop condition ended the attempt between two pages. */
async function stopped<P, R>(
  { ports, state }: PageLoop<P, R>,
  wish: CheckpointReply["stop"],
  reason: RunFailure | null,
): Promise<AttemptEnd> {
  if (wish === "cancel") {
    await ports.store.finish({ state: "cancelled" });
    return "finished";
  }
  if (wish === "halt") {
    await ports.store.release();
    return "yielded";
  }
  if (wish === "pause") {
    const message = "The flow is paused. The run goes on where it stopped once the flow is resumed.";
    const failure = { code: "paused", message };
    await ports.store.wait({ reason: "paused", resumeAt: null, failure, counted: false });
    return "waiting";
  }
  if (!reason) throw new Error("A run stopped without a reason.");
  const { read, dead } = state.totals;
  await ports.store.wait({
    reason: "stopped",
    resumeAt: null,
    failure: reason,
    counted: false,
    stoppedAt: { read, dead },
  });
  return "waiting";
}

const CONTINUE = { kind: "continue" } as const;
const YIELD = { kind: "yield" } as const;

function progressed(state: AttemptState): void {
  state.failures = 0;
  state.failingSince = null;
}

/** Waits for a checkpoint under way; its failure, if it has one, counts more than what came after it. */
async function settledSaving(saving: Promise<CheckpointReply> | null): Promise<unknown> {
  return await saving?.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Reads ahead and prepares, one page at a time, in order. */
async function* preparedPages<P, R>(loop: PageLoop<P, R>): AsyncGenerator<R, undefined, undefined> {
  let upcoming = ahead(loop.pages);
  for (let number = loop.state.page; ; number++) {
    const next = await upcoming;
    if (next.error !== undefined) throw next.error;
    if (next.done) return;
    upcoming = ahead(loop.pages);
    yield await loop.prepare(next.item, number);
  }
}

export function nothing(): Omit<WorkedPage, "page" | "cursor" | "counts" | "steps"> {
  return { letters: [], resolvedLetters: [], outcomes: [], remembered: [], fixes: [], undone: [] };
}

function add(totals: Totals, counts: Checkpoint["counts"]): void {
  for (const [name, value] of Object.entries(counts) as [keyof Totals, number | undefined][])
    totals[name] += value ?? 0;
}

const end = ({ stretch, state }: Pick<PageLoop<unknown, unknown>, "stretch" | "state">): Checkpoint["after"] =>
  stretch ? { kind: "done" } : finish(state.totals);

/** The final state: errors are dead letters, conflicts and failed restorations; a balance that does not close fails the run. */
export function finish(totals: Totals): Extract<Checkpoint["after"], { kind: "finish" }> {
  const ended = settled(totals) + totals.restored + totals.conflict + totals.failed;
  if (totals.read !== ended) {
    const message = `The balance does not close: ${totals.read} records were read, ${ended} have an outcome. Nothing more was written. Report this as a defect, with the run's number.`;
    return { kind: "finish", state: "failed", error: { code: "unbalanced", message } };
  }
  const errors = totals.dead + totals.conflict + totals.failed;
  return { kind: "finish", state: errors > 0 ? "succeeded_with_errors" : "succeeded" };
}

function stopReason({ stop, state }: Pick<PageLoop<unknown, unknown>, "stop" | "state">): RunFailure | null {
  const { totals, stoppedAt } = state;
  const since = stoppedAt ?? { read: 0, dead: 0 };
  return runStopped(stop, { read: totals.read - since.read, dead: totals.dead - since.dead });
}

/** Decides what a failure means for the run: wait and try again, wait for a person, or fail. */
async function interrupted<P, R>(loop: PageLoop<P, R>, error: unknown): Promise<AttemptEnd> {
  const { ports, state } = loop;
  if (error instanceof LeaseLost) return "lost";
  if (ports.isOutage(error)) throw error;
  if (ports.signal.aborted) {
    await ports.store.release();
    return "yielded";
  }
  const pages = halfPages(loop);
  if (error instanceof RunHalted) return await waitHalted(ports, pages);
  const known = error instanceof PageInterrupted || error instanceof IntegrationError;
  const info: FailureInfo = error instanceof PageInterrupted ? error.failure : failureOf(error);
  const step = error instanceof PageInterrupted ? error.step : loop.reading.step;
  const named = error instanceof PageInterrupted || error instanceof ConnectionFailed;
  const connection = named ? error.connection : loop.reading.connection;
  const failure: RunFailure = { code: info.code, message: info.message, step };
  if (!known) {
    ports.report(error);
    const message = `Plumbline failed on this run: ${info.message}. This is a defect of ours; the run's log has the details.`;
    return await fail(loop, { code: "internal", message, step }, pages, connection);
  }
  if (!loop.patient && info.kind === "transient") {
    const message = afterTry(info.message, connection);
    return await fail(loop, { ...failure, message }, pages, connection);
  }
  if (!loop.patient || info.kind === "settings" || info.kind === "rejected")
    return await fail(loop, failure, pages, connection);
  if (info.kind === "credentials") {
    await ports.store.wait({ reason: "credentials", resumeAt: null, failure, connection, pages, counted: false });
    return "waiting";
  }
  if (connection !== undefined && (await ports.isDown(connection, info))) {
    await ports.store.wait({ reason: "target", resumeAt: null, failure, connection, pages, counted: false });
    return "waiting";
  }
  const now = ports.clock();
  const laterMs = asksForTime(info);
  if (laterMs !== undefined) {
    const resumeAt = new Date(now.getTime() + jittered(laterMs, ports.random()));
    await ports.store.wait({ reason: "retry", resumeAt, failure, connection, pages, counted: false });
    return "waiting";
  }
  const failingForMs = state.failingSince ? now.getTime() - state.failingSince.getTime() : 0;
  const waitMs = nextTry(loop.retry, state.failures + 1, failingForMs, info, ports.random());
  if (waitMs === null) {
    const message = `${info.message} Given up after ${state.failures === 0 ? "one attempt" : `${state.failures + 1} attempts`}. Start the flow again once this is mended; what was written stays in the ledger.`;
    return await fail(loop, { ...failure, message }, pages, connection);
  }
  const resumeAt = new Date(now.getTime() + waitMs);
  await ports.store.wait({ reason: "retry", resumeAt, failure, connection, pages, counted: true });
  return "waiting";
}

/** Leaves the run to what the person wants, as the store knows it; taken back meanwhile, it goes on at once. */
export async function waitHalted(
  { store, clock }: Pick<RunPorts, "store" | "clock">,
  pages: HalfPage[] = [],
): Promise<AttemptEnd> {
  const failure = { code: "stopped", message: "The run was asked to stop in the middle of a page." };
  await store.wait({ reason: "retry", resumeAt: clock(), failure, pages, counted: false });
  return "waiting";
}

function halfPages<P, R>({ unfinished }: Pick<PageLoop<P, R>, "unfinished">): HalfPage[] {
  return unfinished().map(({ page, fixes, unsettled }) => ({
    number: page.number,
    records: page.records.length + page.unreadable.length,
    fixes,
    unsettled: [...unsettled],
  }));
}

async function fail<P, R>(
  loop: PageLoop<P, R>,
  error: RunFailure,
  pages: HalfPage[],
  connection: string | undefined,
): Promise<AttemptEnd> {
  await loop.ports.store.finish({ state: "failed", error, pages, connection });
  return "finished";
}
