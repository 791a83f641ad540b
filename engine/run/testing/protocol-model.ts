/** The world of the protocol's property tests: targets in memory, and a fate that ends attempts at any of their effects. */
import { IntegrationError } from "../../../connectors/sdk/errors.ts";
import type { RecordSink } from "../../../connectors/sdk/plan-write.ts";
import { writeRecords } from "../../../connectors/sdk/record-sink.ts";
import { foreseeRecords } from "../../../connectors/sdk/record-sink-undo.ts";
import type { ConnectorSession, Json, JsonRecord, SinkInfo } from "../../../connectors/sdk/types.ts";
import type { WriteOutcome } from "../../../connectors/sdk/writing.ts";

export class Crash extends Error {}

/** `late`: what the attempt was about to do is on its way when it dies, and is done so many effects later. */
export type CrashPlan = { at: number; after: boolean; takeover: boolean; late?: number };

/** Kills the attempt at the effects with these numbers; the next attempt lives on until the next. */
export class Fate {
  readonly #crashes: CrashPlan[];
  #underWay: { left: number; work: () => unknown }[] = [];
  readonly #onTakeover: () => void;
  readonly #turn: () => Promise<unknown>;
  #count = 0;
  dead = false;
  readonly trail: string[] = [];

  constructor(crashes: CrashPlan[], onTakeover: () => void, turn: () => Promise<unknown> = () => Promise.resolve()) {
    this.#turn = turn;
    this.#crashes = [...crashes];
    this.#onTakeover = onTakeover;
  }

  async effect<T>(name: string, work: () => T): Promise<T> {
    await this.#turn();
    if (this.dead) throw new Crash();
    this.arrive((one) => --one.left <= 0);
    const crash = this.#count++ === this.#crashes[0]?.at ? this.#crashes.shift() : undefined;
    if (crash?.takeover) this.#onTakeover(); // this attempt does not die; it finds out that it lost the run
    if (crash?.late !== undefined && (name === "create" || name === "update")) {
      this.#underWay.push({ left: crash.late, work });
      return this.#die(`† with ${name} on its way`);
    }
    if (crash && !crash.takeover && !crash.after) return this.#die(`† before ${name}`);
    const result = work();
    this.trail.push(name);
    if (crash && !crash.takeover) return this.#die(`† after ${name}`);
    return result;
  }

  /** Requests of attempts that are gone get there: these, otherwise all. */
  arrive(which: (one: { left: number }) => boolean = () => true): void {
    const arriving = this.#underWay.filter(which);
    this.#underWay = this.#underWay.filter((one) => !arriving.includes(one));
    for (const { work } of arriving) {
      this.trail.push("late request arrives");
      try {
        work();
      } catch {
        // nobody waits for its answer
      }
    }
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
export type Kind = (typeof targets)[number] | "both";
const knowsKeys = (kind: Kind) => kind === "keys" || kind === "both";
const readsBack = (kind: Kind) => kind === "read-back" || kind === "both" || kind === "transaction";

export class MemoryTarget {
  /** every record that was created, in order */
  effects: string[] = [];
  /** every change that took effect, as the record's key and version, in order */
  versions: string[] = [];
  readonly records = new Map<string, JsonRecord>();
  readonly #committed = new Set<string>();
  /** transactions that are going on; who asks for their fate waits, as with a real server */
  readonly #open = new Map<string, Promise<unknown>>();
  readonly #remembered = new Map<string, JsonRecord>();
  readonly #kind: Kind;
  readonly #operation: Operation;
  #transactions = 0;

  constructor(kind: Kind, operation: Operation = usualOperation(kind)) {
    this.#kind = kind;
    this.#operation = operation;
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
    const upsert = this.#operation === "upsert";
    const changed = good.filter(({ record }) => !upsert || !same(this.records.get(record.key), record.values));
    const operationOf = ({ key }: { key: string }) => (upsert && this.records.has(key) ? "update" : "create");
    const planned = new Map(changed.map(({ record, index }) => [index, operationOf(record)] as const));
    const receipt = `tx${++this.#transactions}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(receipt, promise);
    try {
      await enter(
        changed.map(({ record, index }) => ({
          index,
          operation: planned.get(index) ?? "create",
          identity: { id: record.key },
          before: this.records.get(record.key) ?? null,
          after: record.values,
        })),
        receipt,
      );
      await fate.effect("commit", () => {
        for (const { record, index } of changed) this.#take(record.key, record.values, planned.get(index));
        this.#committed.add(receipt);
      });
      if (lost()) throw unanswered();
    } finally {
      resolve();
      this.#open.delete(receipt);
    }
    return records.map((record, index): WriteOutcome => {
      if (record.values.bad === true) return { outcome: "failed", failure: refusal };
      const done = planned.get(index);
      return { outcome: done === undefined ? "unchanged" : `${done}d` };
    });
  }

  #recordSink(fate: Fate, flaky: () => boolean, lost: () => boolean): RecordSink {
    return {
      name: "orders",
      key: ["id"],
      concurrency: 2,
      idempotencyKeys: knowsKeys(this.#kind),
      identify: ({ id = null }) => ({ id }),
      ...(readsBack(this.#kind)
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
          if (knowsKeys(this.#kind)) {
            const before = this.#remembered.get(idempotencyKey);
            if (before) {
              // as payment gateways do: a key belongs to one request, to the letter
              if (JSON.stringify(before) === JSON.stringify(values)) return { record: before };
              throw new IntegrationError("key used for another request", { kind: "rejected", code: "refused" });
            }
            this.#remembered.set(idempotencyKey, values);
          }
          this.#take(String(values.id), values, "create");
          return { record: values };
        });
        if (lost()) throw unanswered();
        return created;
      },
      ...(this.#operation === "upsert" ? { update: this.#update(fate, flaky, lost) } : {}),
    };
  }

  #update(fate: Fate, flaky: () => boolean, lost: () => boolean): RecordSink["update"] {
    return async ({ identity }, _, values) => {
      if (flaky()) throw passing();
      const saved = await fate.effect("update", () => {
        if (values.bad === true) throw new IntegrationError("no", { kind: "rejected", code: "refused" });
        this.#take(String(identity.id), values, "update");
        return { record: values };
      });
      if (lost()) throw unanswered();
      return saved;
    };
  }

  #take(key: string, values: JsonRecord, operation: "create" | "update" = "create"): void {
    if (operation === "create") this.effects.push(key);
    this.versions.push(`${key}@${values.version}`);
    this.records.set(key, values);
  }
}

export type Operation = "insert" | "upsert";
export const usualOperation = (kind: Kind): Operation => (kind === "transaction" ? "upsert" : "insert");

const same = (a: JsonRecord | undefined, b: JsonRecord) => JSON.stringify(a) === JSON.stringify(b);

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
  readBack: readsBack(kind),
  undo: "none",
  idempotencyKeys: knowsKeys(kind),
  ...(kind === "transaction" ? { transactional: true } : {}),
  effect: kind === "neither" ? "at-least-once" : "once",
});
