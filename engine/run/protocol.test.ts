import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import type { RecordSink } from "../../connectors/sdk/plan-write.ts";
import { writeRecords } from "../../connectors/sdk/record-sink.ts";
import { foreseeRecords } from "../../connectors/sdk/record-sink-undo.ts";
import type { ConnectorSession, Json, JsonRecord, SinkInfo, WriteOutcome } from "../../connectors/sdk/types.ts";
import { compileFlow, type Plan } from "../flow/compile.ts";
import { readDraft } from "../flow/read-draft.ts";
import {
  type Checkpoint,
  LeaseLost,
  type LedgerDraft,
  type LedgerFix,
  type OpenEntry,
  type PartAddress,
  type RunPorts,
  type RunStore,
} from "../ports.ts";
import { noRunCounts } from "./counts.ts";
import { executeFlow, type FlowCursor } from "./execute-flow.ts";

/**
 * The protocol of run, lease and checkpoint as a model: the real engine over a store and targets in memory, with a crash
 * before or after any of their effects. Whatever the moments of the crashes, afterwards every record has one outcome, the
 * target was changed once per record, and ledger, counters and target agree.
 */
class Crash extends Error {}

/** Kills the attempt at the effects with these numbers; the next attempt lives on until the next. */
class Fate {
  readonly #crashes: { at: number; after: boolean; takeover: boolean }[];
  readonly #onTakeover: () => void;
  #count = 0;
  dead = false;
  readonly trail: string[] = [];

  constructor(crashes: { at: number; after: boolean; takeover: boolean }[], onTakeover: () => void) {
    this.#crashes = [...crashes];
    this.#onTakeover = onTakeover;
  }

  async effect<T>(name: string, work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.dead) throw new Crash();
    const crash = this.#count++ === this.#crashes[0]?.at ? this.#crashes.shift() : undefined;
    if (crash?.takeover) this.#onTakeover(); // this attempt does not die; it finds out that it lost the run
    if (crash && !crash.takeover && !crash.after) return this.#die(`† before ${name}`);
    const result = work();
    this.trail.push(name);
    if (crash && !crash.takeover) return this.#die(`† after ${name}`);
    return result;
  }

  #die(where: string): never {
    this.trail.push(where);
    this.dead = true;
    throw new Crash();
  }

  live(): void {
    this.dead = false;
    this.#count = 0;
  }
}

type Change = LedgerDraft & { address: PartAddress; state: "done" | "void" | "unknown" };

/** What PostgreSQL keeps, with every method one transaction. */
class MemoryRun {
  token = 0;
  page = 0;
  cursor: FlowCursor | null = null;
  totals = { ...noRunCounts(), restored: 0, conflict: 0, failed: 0 };
  changes: Change[] = [];
  sending: { address: PartAddress; receipt: Json | undefined; token: number }[] = [];
  letters: { key: string; code: string }[] = [];
  state: string = "queued";

  store(fate: Fate, token: number): RunStore {
    const fenced = <T>(name: string, work: () => T) =>
      fate.effect(name, () => {
        if (token !== this.token || this.state !== "running") throw new LeaseLost("1");
        return work();
      });
    return {
      enter: (address, drafts, receipt) =>
        fenced("enter", () => {
          this.sending.push({ address, receipt, token });
          for (const draft of drafts) this.changes.push({ ...draft, address, state: "done" });
        }),
      foresee: async () => {},
      foreseen: async () => new Map(),
      checkpoint: (checkpoint) => fenced("checkpoint", () => this.#checkpoint(checkpoint)),
      wait: (wait) =>
        fenced("wait", () => {
          for (const { number, fixes, unsettled } of wait.pages ?? []) {
            this.#fix(fixes);
            this.sending = this.sending.filter(
              // parts that an earlier attempt left open stay open: this one knows nothing of them
              (part) => part.token !== token || part.address.page !== number || unsettled.includes(part.address.part),
            );
          }
          this.state = "waiting";
        }),
      finish: (finish) =>
        fenced("finish", () => {
          this.state = finish.state;
        }),
      openEntries: () =>
        fate.effect("open", () => {
          const open = this.changes.filter(({ address, state }) => address.page >= this.page && state !== "void");
          const entries = open.map(
            ({ state, ...change }): OpenEntry => ({
              ...change,
              state: state === "unknown" || this.#isSending(change.address) ? "sending" : "done",
            }),
          );
          const receipts = this.sending.flatMap(({ address, receipt }) =>
            receipt === undefined ? [] : [{ address, receipt }],
          );
          return { entries, receipts };
        }),
      settleParts: (parts, fixes) =>
        fate.effect("settle", () => {
          for (const { address, landed } of parts) {
            for (const change of this.changes)
              if (!landed && same(change.address, address) && change.state === "done") change.state = "void";
            this.sending = this.sending.filter((one) => !same(one.address, address));
          }
          this.#fix(fixes);
        }),
      release: () =>
        fenced("release", () => {
          this.state = "queued";
        }),
      collected: async () => [],
      blocked: async () => new Set(),
      seen: async () => new Set(),
    };
  }

  #isSending(address: PartAddress): boolean {
    return this.sending.some((one) => same(one.address, address));
  }

  #fix(fixes: LedgerFix[]): void {
    for (const fix of fixes)
      for (const change of this.changes)
        if (same(change.address, fix) && change.key === fix.key)
          change.state = fix.unknown ? "unknown" : fix.landed ? "done" : "void";
  }

  #checkpoint({ page, cursor, counts, letters, fixes, after }: Checkpoint) {
    for (const [name, value] of Object.entries(counts)) this.totals[name as keyof typeof this.totals] += value ?? 0;
    this.page = page + 1;
    this.cursor = cursor as FlowCursor | null;
    this.#fix(fixes);
    this.sending = this.sending.filter(({ address }) => address.page > page);
    for (const { key, failure } of letters) this.letters.push({ key, code: failure.code });
    if (after.kind === "finish") this.state = after.state;
    if (after.kind === "yield") this.state = "queued";
    return { stop: null };
  }
}

const same = (a: PartAddress, b: PartAddress) => a.step === b.step && a.page === b.page && a.part === b.part;

/** What targets can do: the four ways in which an outcome can be found out, or not. */
const targets = ["transaction", "keys", "read-back", "neither"] as const;
type Kind = (typeof targets)[number];

class MemoryTarget {
  /** every change that took effect, in order */
  effects: string[] = [];
  readonly records = new Map<string, JsonRecord>();
  readonly #committed = new Set<string>();
  readonly #remembered = new Map<string, JsonRecord>();
  readonly #kind: Kind;
  #transactions = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  session(fate: Fate, flaky: () => boolean): ConnectorSession {
    const kind = this.#kind;
    const none = () => Promise.reject(new Error("not part of this model"));
    const sink = this.#recordSink(fate, flaky);
    return {
      check: async () => ({}),
      streams: async () => [],
      sinks: async () => [sinkInfo(kind)],
      read: () => {
        throw new Error("not a source");
      },
      write: (request, hooks) =>
        kind === "transaction" ? this.#transaction(fate, flaky, request, hooks) : writeRecords(sink, request, hooks),
      foresee: (request) => foreseeRecords(sink, request),
      undo: none,
      ...(kind === "transaction"
        ? { settle: async (receipt: Json) => (this.#committed.has(String(receipt)) ? "landed" : "absent") }
        : {}),
      close: async () => {},
    };
  }

  async #transaction(
    fate: Fate,
    flaky: () => boolean,
    { records }: Parameters<ConnectorSession["write"]>[0],
    { enter }: Parameters<ConnectorSession["write"]>[1],
  ): Promise<WriteOutcome[]> {
    if (flaky()) throw passing();
    const good = records.flatMap((record, index) => (record.values.bad === true ? [] : [{ record, index }]));
    const fresh = good.filter(({ record }) => !this.records.has(record.key));
    const receipt = `tx${++this.#transactions}`;
    await enter(
      fresh.map(({ record, index }) => ({
        index,
        operation: "create" as const,
        identity: { id: record.key },
        before: null,
        after: record.values,
      })),
      receipt,
    );
    await fate.effect("commit", () => {
      for (const { record } of fresh) this.#create(record.key, record.values);
      this.#committed.add(receipt);
    });
    return records.map((record): WriteOutcome => {
      if (record.values.bad === true) return { outcome: "failed", failure: refusal };
      return { outcome: fresh.some((one) => one.record === record) ? "created" : "unchanged" };
    });
  }

  #recordSink(fate: Fate, flaky: () => boolean): RecordSink {
    return {
      name: "orders",
      key: ["id"],
      concurrency: 2,
      idempotencyKeys: this.#kind === "keys",
      identify: ({ id = null }) => ({ id }),
      ...(this.#kind === "read-back" || this.#kind === "transaction"
        ? {
            read: ({ id }: JsonRecord) =>
              fate.effect("read", () => {
                const record = this.records.get(String(id));
                return record ? { record } : null;
              }),
          }
        : {}),
      create: async (values, { idempotencyKey }) => {
        if (flaky()) throw passing();
        return await fate.effect("create", () => {
          if (values.bad === true) throw new IntegrationError("no", { kind: "rejected", code: "refused" });
          if (this.#kind === "keys") {
            const before = this.#remembered.get(idempotencyKey);
            if (before) return { record: before };
            this.#remembered.set(idempotencyKey, values);
          }
          this.#create(String(values.id), values);
          return { record: values };
        });
      },
    };
  }

  #create(key: string, values: JsonRecord): void {
    this.effects.push(key);
    this.records.set(key, values);
  }
}

const refusal = { kind: "rejected", code: "refused", message: "no" } as const;
const passing = () => new IntegrationError("busy", { kind: "transient", code: "unavailable" });

const sinkInfo = (kind: Kind): SinkInfo => ({
  name: "orders",
  title: "Orders",
  fields: [],
  open: true,
  matchKeys: [["id"]],
  operations: ["insert", "upsert"],
  batchSize: 4,
  readBack: kind === "read-back" || kind === "transaction",
  undo: "none",
  idempotencyKeys: kind === "keys",
  ...(kind === "transaction" ? { transactional: true } : {}),
  effect: kind === "neither" ? "at-least-once" : "once",
});

function planOf(kind: Kind, pageSize: number): Plan {
  const { flow } = readDraft({
    format: "plumbline/1",
    name: "Model",
    steps: [
      { id: "read", kind: "read", connection: "From", stream: "orders", sync: "full" },
      {
        id: "write",
        kind: "write",
        connection: "To",
        sink: "orders",
        operation: kind === "transaction" ? "upsert" : "insert",
        ...(kind === "transaction" ? { match: ["id"] } : {}),
      },
    ],
    links: [{ from: "read", to: "write" }],
    settings: { pageSize, retry: { attempts: 1_000, for: "24h" } },
  });
  const fields = [
    { name: "id", type: "text" as const, key: true },
    { name: "bad", type: "boolean" as const },
  ];
  const { plan, problems } = compileFlow(flow, {
    connections: new Map([
      [
        "From",
        {
          name: "From",
          connector: "x",
          streams: [{ name: "orders", title: "", fields, key: ["id"], watermarks: [] }],
          sinks: [],
        },
      ],
      ["To", { name: "To", connector: "x", streams: [], sinks: [sinkInfo(kind)] }],
    ]),
  });
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}

function source(records: JsonRecord[]): ConnectorSession["read"] {
  return async function* ({ cursor, pageSize }) {
    for (let from = typeof cursor === "number" ? cursor : 0; from < records.length; from += pageSize) {
      await Promise.resolve();
      yield { records: records.slice(from, from + pageSize), cursor: from + pageSize };
    }
  };
}

const scenario = fc.record({
  kind: fc.constantFrom(...targets),
  records: fc.array(fc.boolean(), { minLength: 1, maxLength: 24 }),
  pageSize: fc.integer({ min: 1, max: 9 }),
  crashes: fc.array(fc.record({ at: fc.integer({ min: 0, max: 30 }), after: fc.boolean(), takeover: fc.boolean() }), {
    maxLength: 7,
  }),
  flakes: fc.array(fc.boolean(), { maxLength: 12 }),
  sliceMs: fc.constantFrom(0, 1_000_000),
});

async function play({ kind, records: bads, pageSize, crashes, flakes, sliceMs }: Parameters<typeof check>[0]) {
  const records = bads.map((bad, index): JsonRecord => ({ id: `r${index}`, bad }));
  const plan = planOf(kind, pageSize);
  const run = new MemoryRun();
  const target = new MemoryTarget(kind);
  const fate = new Fate(crashes, () => run.token++);
  const luck = [...flakes];
  for (let attempt = 1; attempt < 200; attempt++) {
    if (!["queued", "running", "waiting"].includes(run.state)) break;
    fate.live();
    run.state = "running";
    const token = ++run.token;
    const session = target.session(fate, () => luck.shift() ?? false);
    const from = { id: "con_from", session: { ...session, read: source(records) }, sinks: new Map() };
    const to = { id: "con_to", session, sinks: new Map([["orders", sinkInfo(kind)]]) };
    const ports: RunPorts = {
      store: run.store(fate, token),
      connection: async (name) => (name === "From" ? from : to),
      connectionById: async () => to,
      clock: () => new Date(attempt * 1000),
      sleep: async () => {},
      isOutage: (error) => error instanceof Crash || fate.dead,
      isDown: async () => false,
      report: (error) => {
        if (!(error instanceof Crash)) throw error;
      },
      random: () => 0.5,
      signal: new AbortController().signal,
    };
    const job = {
      state: {
        runId: "1",
        page: run.page,
        totals: { ...run.totals },
        failures: 0,
        failingSince: null,
        stoppedAt: null,
      },
      flowId: "flw",
      mode: "live" as const,
      cursor: run.cursor,
      watermark: null,
      now: new Date(0),
      sliceMs,
      attempt,
    };
    await executeFlow(plan, job, ports).catch((error: unknown) => {
      if (!(error instanceof Crash) && !fate.dead) throw error;
    });
    if (!fate.dead && run.token !== token && run.state === "running") run.state = "queued";
  }
  return { run, target, records };
}

async function check(what: {
  kind: Kind;
  records: boolean[];
  pageSize: number;
  crashes: { at: number; after: boolean; takeover: boolean }[];
  flakes: boolean[];
  sliceMs: number;
}) {
  const { run, target, records } = await play(what);
  const good = records.filter(({ bad }) => bad !== true).map(({ id }) => String(id));
  const { totals } = run;
  const asked = run.letters.filter(({ code }) => code === "may-have-arrived").map(({ key }) => key);
  const refused = run.letters.filter(({ code }) => code === "refused").map(({ key }) => key);
  expect(["succeeded", "succeeded_with_errors"]).toContain(run.state);
  expect(totals.read).toBe(records.length);
  expect(totals.created + totals.unchanged + totals.dead).toBe(records.length);
  expect(totals.dead).toBe(run.letters.length);
  // once each: nobody has two letters, nothing took effect twice
  expect(new Set(run.letters.map(({ key }) => key)).size).toBe(run.letters.length);
  expect(target.effects).toHaveLength(new Set(target.effects).size);
  // none lost: it is there, or a person was told that it may be
  for (const key of good) expect(target.records.has(key) || asked.includes(key), `${key} is lost`).toBe(true);
  for (const key of refused) expect(target.records.has(key)).toBe(false);
  if (what.kind !== "neither") expect(asked).toEqual([]);
  // the ledger says what the target holds
  const ledger = run.changes.filter(({ state }) => state === "done").map(({ key }) => key);
  expect(ledger).toHaveLength(new Set(ledger).size);
  expect([...ledger].sort()).toEqual(good.filter((key) => !asked.includes(key)).sort());
  expect(totals.created).toBe(ledger.length);
  expect(run.sending).toEqual([]);
}

describe("run, lease and checkpoint", () => {
  it("without a fault, every record is written once", async () => {
    for (const kind of targets)
      await check({
        kind,
        records: [false, true, false, false],
        pageSize: 3,
        crashes: [],
        flakes: [],
        sliceMs: 1_000_000,
      });
  });

  it("keep their promises whatever the moments of crashes, takeovers and passing failures", async () => {
    await fc.assert(fc.asyncProperty(scenario, check), { numRuns: 1_500 });
  }, 60_000);
});
