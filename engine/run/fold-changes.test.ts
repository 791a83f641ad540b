import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RecordSink } from "../../connectors/sdk/plan-write.ts";
import { undoRecords } from "../../connectors/sdk/record-sink-undo.ts";
import type { ConnectorSession, JsonRecord } from "../../connectors/sdk/types.ts";
import type { Checkpoint, RunPorts } from "../ports.ts";
import { noRunCounts } from "./counts.ts";
import { executeUndo, type UndoPage } from "./execute-undo.ts";
import { foldChanges, type LedgerChange } from "./fold-changes.ts";

type State = JsonRecord | null;
type Write = { set: JsonRecord | null; fate: "done" | "landed" | "lost" };
/** A run writes (set: null deletes), or somebody does by hand. */
type Event = ({ by: "run" } & Write) | { by: "hand"; set: JsonRecord | null };

const fields = ["a", "b"];
const values = fc.record({ a: fc.integer({ min: 0, max: 2 }), b: fc.integer({ min: 0, max: 2 }) });
const some = fc.record(
  { a: fc.integer({ min: 0, max: 2 }), b: fc.integer({ min: 0, max: 2 }) },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonRecord>;
const change = fc.oneof(
  { weight: 4, arbitrary: some },
  { weight: 1, arbitrary: fc.constant(null) },
) as fc.Arbitrary<JsonRecord | null>;
const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant("done" as const) },
  { weight: 1, arbitrary: fc.constantFrom("landed" as const, "lost" as const) },
);
const byRun = fc.record({ by: fc.constant("run" as const), set: change, fate });
/** Of one in doubt, which somebody makes or takes back by hand to the letter, nobody can tell whether it had arrived. */
const known = byRun.map((event): Event => ({ ...event, fate: "done" }));
const byHand: fc.Arbitrary<Event> = fc.record({ by: fc.constant("hand" as const), set: change });
const start = fc.option(values, { nil: null }) as fc.Arbitrary<State>;

const filled = (record: JsonRecord): JsonRecord => ({ id: "r", a: null, b: null, ...record });

/** What a run would enter in the ledger for this write, or null when it changes nothing. */
function entryOf(
  state: State,
  set: JsonRecord | null,
  whole: boolean,
): Pick<LedgerChange, "operation" | "before" | "after"> | null {
  if (set === null) return state && { operation: "delete", before: state, after: null };
  if (!state) return { operation: "create", before: null, after: whole ? filled(set) : { id: "r", ...set } };
  const changed = fields.filter((field) => field in set && set[field] !== state[field]);
  if (changed.length === 0) return null;
  const part = (record: JsonRecord) => Object.fromEntries(changed.map((field) => [field, record[field] ?? null]));
  return { operation: "update", before: part(state), after: part(set) };
}

function after(state: State, set: JsonRecord | null): State {
  if (set === null) return null;
  return state ? { ...state, ...set } : filled(set);
}

/**
 * The states a record went through, the first one before all events, and the ledger of it, newest first.
 * @param whole the target tells all fields of what is created, also those that were not sent
 */
function history(first: State, events: Event[], whole = true): { states: State[]; ledger: LedgerChange[] } {
  const states = [first && filled(first)];
  const ledger: LedgerChange[] = [];
  for (const event of events) {
    const state = states.at(-1) ?? null;
    const entry = event.by === "run" ? entryOf(state, event.set, whole) : null;
    const lands = event.by === "hand" || (entry !== null && event.fate !== "lost");
    states.push(lands ? after(state, event.set) : state);
    if (event.by === "hand" || !entry) continue;
    ledger.unshift({
      ...entry,
      id: String(ledger.length + 1),
      of: { run: "1", at: "now" },
      step: "books",
      connection: { id: "con", name: "Books" },
      sink: "invoices",
      key: "r",
      identity: { id: "r" },
      undoable: true,
      state: event.fate === "done" ? "done" : "unknown",
    });
  }
  return { states, ledger };
}

/** Undoes as a run does, against a record that can be looked at. */
async function undo(state: State, ledger: LedgerChange[], how: { force: boolean; preview: boolean; page: number }) {
  let now = state;
  const sink: RecordSink = {
    name: "invoices",
    key: ["id"],
    concurrency: 1,
    idempotencyKeys: false,
    identify: ({ id = null }) => ({ id }),
    read: async () => now && { record: now },
    create: async (record) => {
      now = filled(record);
      return { record: now };
    },
    update: async (_target, changed) => {
      now = { ...(now as JsonRecord), ...changed };
      return { record: now };
    },
    remove: async () => {
      now = null;
    },
  };
  const pages = (async function* (): AsyncGenerator<UndoPage> {
    for (let at = 0; at < ledger.length; at += how.page) {
      const more = at + how.page < ledger.length;
      yield { rows: foldChanges(ledger.slice(at, at + how.page), { force: how.force, more }), cursor: at };
    }
  })();
  const checkpoints: Checkpoint[] = [];
  const entered: number[] = [];
  const ports = {
    store: {
      enter: async (_: unknown, entries: unknown[]) => void entered.push(entries.length),
      checkpoint: async (checkpoint: Checkpoint) => {
        checkpoints.push(checkpoint);
        return { stop: null };
      },
    },
    connection: async () => ({
      session: { undo: (request, hooks) => undoRecords(sink, request, hooks) } as ConnectorSession,
    }),
    clock: () => new Date(0),
    note: async () => {},
    isOutage: () => false,
    report: (error: unknown) => {
      throw error;
    },
    random: () => 0,
    signal: new AbortController().signal,
  } as unknown as RunPorts & { note(): Promise<void> };
  const totals = { ...noRunCounts(), restored: 0, conflict: 0, failed: 0 };
  const attempt = { runId: "9", page: 0, totals, failures: 0, failingSince: null, stoppedAt: null };
  await executeUndo({ state: attempt, attempt: 1, sliceMs: 60_000, ...how }, ports, pages);
  expect(checkpoints.at(-1)?.after).toMatchObject({ kind: "finish" });
  const { read, restored, conflict, failed } = totals;
  return { now, counts: { read, restored, conflict, failed }, writes: entered.length, undone: checkpoints };
}

const once = { force: false, preview: false, page: 100 };
const listed = (state: State) => state && fields.map((field) => state[field]);

const fieldOf = (state: State, field: string) => (state ? (state[field] ?? null) : "gone");

/** The last event by hand after which a field is another than a run had left it, when runs write it again or undo looks. */
function lastByHand(field: string, states: State[], events: Event[]): number {
  let last = -1;
  let left = fieldOf(states[0] ?? null, field);
  let byHand = -1;
  const look = (value: unknown) => {
    if (value !== left) last = byHand;
  };
  for (const [at, event] of events.entries()) {
    const value = fieldOf(states[at] ?? null, field);
    const next = fieldOf(states[at + 1] ?? null, field);
    if (event.by === "hand" && value !== next) byHand = at;
    if (event.by === "hand" || value === next) continue;
    look(value);
    left = next;
  }
  look(fieldOf(states.at(-1) ?? null, field));
  return last;
}

describe("folding what was written to a record", () => {
  it("puts it back to what it was before the first write, whatever was written, with one write when all is known", async () => {
    await fc.assert(
      fc.asyncProperty(
        start,
        fc.array(byRun, { maxLength: 8 }),
        fc.constantFrom(1, 2, 3, 100),
        fc.boolean(),
        async (first, events, page, whole) => {
          const { states, ledger } = history(first, events, whole);
          const { now, counts, writes } = await undo(states.at(-1) ?? null, ledger, { ...once, page });
          expect(listed(now)).toEqual(listed(states[0] ?? null));
          expect(counts).toEqual({ read: counts.restored, restored: counts.restored, conflict: 0, failed: 0 });
          if (page === 100) expect(counts.read).toBeLessThanOrEqual(1);
          if (page === 100 && ledger.every(({ state }) => state === "done")) expect(writes).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("never takes back what somebody changed by hand, nor goes behind it", async () => {
    await fc.assert(
      fc.asyncProperty(start, fc.array(fc.oneof(known, byHand), { maxLength: 8 }), async (first, events) => {
        const { states, ledger } = history(first, events);
        const { now, counts } = await undo(states.at(-1) ?? null, ledger, once);
        expect(counts.read).toBe(counts.restored + counts.conflict + counts.failed);
        for (const field of fields) {
          const since = states.slice(lastByHand(field, states, events) + 1).map((state) => fieldOf(state, field));
          expect(since).toContain(fieldOf(now, field));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("by force goes behind what was changed by hand in fields that runs wrote, and leaves others", async () => {
    const set = fc.record({ by: fc.constant("hand" as const), set: some as fc.Arbitrary<JsonRecord | null> });
    const update = fc.record({ by: fc.constant("run" as const), set: some, fate: fc.constant("done" as const) });
    await fc.assert(
      fc.asyncProperty(values, fc.array(fc.oneof(update, set), { maxLength: 8 }), async (first, events) => {
        const { states, ledger } = history(first, events);
        const last = states.at(-1) ?? null;
        const { now } = await undo(last, ledger, { ...once, force: true });
        for (const field of fields) {
          const writes = ledger.filter(({ after }) => after && field in after);
          const again = writes.length > 0 && writes[0]?.after?.[field] === writes.at(-1)?.before?.[field];
          expect(now?.[field]).toBe(writes.length === 0 || again ? last?.[field] : writes.at(-1)?.before?.[field]);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    { what: "with changes by hand in between", events: fc.oneof(known, byHand), pages: [100] },
    { what: "over pages", events: known, pages: [1, 2, 3] },
  ])("is foreseen as it will go, $what", async ({ events: event, pages }) => {
    await fc.assert(
      fc.asyncProperty(
        start,
        fc.array(event, { maxLength: 8 }),
        fc.boolean(),
        fc.constantFrom(...pages),
        async (first, events, force, page) => {
          const { states, ledger } = history(first, events);
          const state = states.at(-1) ?? null;
          const foreseen = await undo(state, ledger, { force, page, preview: true });
          expect(foreseen.now).toEqual(state);
          expect(foreseen.undone.flatMap(({ undone }) => undone)).toEqual([]);
          expect(foreseen.counts).toEqual((await undo(state, ledger, { force, page, preview: false })).counts);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("says which ledger rows are put back and which stay behind what somebody changed in between", async () => {
    const { states, ledger } = history({ a: 0, b: 0 }, [
      { by: "run", set: { a: 1 }, fate: "done" },
      { by: "hand", set: { a: 2 } },
      { by: "run", set: { a: 1, b: 1 }, fate: "done" },
      { by: "run", set: { b: 2 }, fate: "done" },
    ]);
    const { now, counts, writes, undone } = await undo(states.at(-1) ?? null, ledger, once);
    expect(now).toMatchObject({ a: 2, b: 0 });
    expect({ counts, writes }).toEqual({ counts: { read: 1, restored: 0, conflict: 1, failed: 0 }, writes: 1 });
    const of = { run: "1", at: "now" };
    expect(undone.flatMap((page) => page.undone)).toEqual([
      { id: "3", undo: "done", of },
      { id: "2", undo: "done", of },
      { id: "1", undo: "conflict", of },
    ]);
  });
});
