/** The world of the protocol's property tests: targets in memory, and a fate that ends attempts at any of their effects. */
import { IntegrationError } from "../../../connectors/sdk/errors.ts";
import type { RecordSink } from "../../../connectors/sdk/plan-write.ts";
import { writeRecords } from "../../../connectors/sdk/record-sink.ts";
import { foreseeRecords } from "../../../connectors/sdk/record-sink-undo.ts";
import type { ConnectorSession, Json, JsonRecord, SinkInfo } from "../../../connectors/sdk/types.ts";
import type { WriteOutcome } from "../../../connectors/sdk/writing.ts";
import { compileFlow, type Plan } from "../../flow/compile.ts";
import { readDraft } from "../../flow/read-draft.ts";

export class Crash extends Error {}

/** Kills the attempt at the effects with these numbers; the next attempt lives on until the next. */
export class Fate {
  readonly #crashes: { at: number; after: boolean; takeover: boolean }[];
  readonly #onTakeover: () => void;
  readonly #turn: () => Promise<unknown>;
  #count = 0;
  dead = false;
  readonly trail: string[] = [];

  constructor(
    crashes: { at: number; after: boolean; takeover: boolean }[],
    onTakeover: () => void,
    turn: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    this.#turn = turn;
    this.#crashes = [...crashes];
    this.#onTakeover = onTakeover;
  }

  async effect<T>(name: string, work: () => T): Promise<T> {
    await this.#turn();
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

/** What targets can do: the four ways in which an outcome can be found out, or not. */
export const targets = ["transaction", "keys", "read-back", "neither"] as const;
export type Kind = (typeof targets)[number];

export class MemoryTarget {
  /** every change that took effect, in order */
  effects: string[] = [];
  readonly records = new Map<string, JsonRecord>();
  readonly #committed = new Set<string>();
  /** transactions that are going on; who asks for their fate waits, as with a real server */
  readonly #open = new Map<string, Promise<unknown>>();
  readonly #remembered = new Map<string, JsonRecord>();
  readonly #kind: Kind;
  #transactions = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** @param lost whether the answer to what just took effect gets lost */
  session(fate: Fate, flaky: () => boolean, lost = () => false): ConnectorSession {
    const kind = this.#kind;
    const none = () => Promise.reject(new Error("not part of this model"));
    const sink = this.#recordSink(fate, flaky, lost);
    return {
      check: async () => ({}),
      streams: async () => [],
      sinks: async () => [sinkInfo(kind)],
      read: () => {
        throw new Error("not a source");
      },
      write: (request, hooks) =>
        kind === "transaction"
          ? this.#transaction(fate, { flaky, lost }, request, hooks)
          : writeRecords(sink, request, hooks),
      foresee: (request) => foreseeRecords(sink, request),
      undo: none,
      ...(kind === "transaction"
        ? {
            settle: async (receipt: Json) => {
              await this.#open.get(String(receipt));
              return this.#committed.has(String(receipt)) ? "landed" : "absent";
            },
          }
        : {}),
      close: async () => {},
    };
  }

  async #transaction(
    fate: Fate,
    { flaky, lost }: { flaky: () => boolean; lost: () => boolean },
    { records }: Parameters<ConnectorSession["write"]>[0],
    { enter }: Parameters<ConnectorSession["write"]>[1],
  ): Promise<WriteOutcome[]> {
    if (flaky()) throw passing();
    const good = records.flatMap((record, index) => (record.values.bad === true ? [] : [{ record, index }]));
    const fresh = good.filter(({ record }) => !this.records.has(record.key));
    const receipt = `tx${++this.#transactions}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(receipt, promise);
    try {
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
      if (lost()) throw unanswered();
    } finally {
      resolve();
      this.#open.delete(receipt);
    }
    return records.map((record): WriteOutcome => {
      if (record.values.bad === true) return { outcome: "failed", failure: refusal };
      return { outcome: fresh.some((one) => one.record === record) ? "created" : "unchanged" };
    });
  }

  #recordSink(fate: Fate, flaky: () => boolean, lost: () => boolean): RecordSink {
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
        const created = await fate.effect("create", () => {
          if (values.bad === true) throw new IntegrationError("no", { kind: "rejected", code: "refused" });
          if (this.#kind === "keys") {
            const before = this.#remembered.get(idempotencyKey);
            if (before) {
              // as payment gateways do: a key belongs to one request, to the letter
              if (JSON.stringify(before) === JSON.stringify(values)) return { record: before };
              throw new IntegrationError("key used for another request", { kind: "rejected", code: "refused" });
            }
            this.#remembered.set(idempotencyKey, values);
          }
          this.#create(String(values.id), values);
          return { record: values };
        });
        if (lost()) throw unanswered();
        return created;
      },
    };
  }

  #create(key: string, values: JsonRecord): void {
    this.effects.push(key);
    this.records.set(key, values);
  }
}

export const refusal = { kind: "rejected", code: "refused", message: "no" } as const;
export const passing = () => new IntegrationError("busy", { kind: "transient", code: "unavailable" });

const unanswered = () => new IntegrationError("no answer", { kind: "transient", code: "outcome-unknown" });

export const sinkInfo = (kind: Kind): SinkInfo => ({
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

export function planOf(kind: Kind, pageSize: number): Plan {
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
    { name: "version", type: "integer" as const },
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

export function source(records: JsonRecord[]): ConnectorSession["read"] {
  return async function* ({ cursor, pageSize }) {
    for (let from = typeof cursor === "number" ? cursor : 0; from < records.length; from += pageSize) {
      await Promise.resolve();
      yield { records: records.slice(from, from + pageSize), cursor: from + pageSize };
    }
  };
}
