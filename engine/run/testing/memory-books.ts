/** What PostgreSQL keeps of a run beside its cursor, for the models of the protocol: each method is one transaction. */
import type { Json } from "../../../connectors/sdk/types.ts";
import { UNDER_WAY_MS } from "../../../connectors/sdk/under-way.ts";
import type { Checkpoint, LedgerDraft, LedgerFix, OpenEntry, PartAddress, RunPorts, RunStore } from "../../ports.ts";
import { noRunCounts } from "../counts.ts";
import { Crash, type Fate, type Kind, type MemoryTarget, sinkInfo } from "./protocol-model.ts";

type Change = LedgerDraft & { address: PartAddress; state: "done" | "void" | "unknown" };

const same = (a: PartAddress, b: PartAddress) => a.step === b.step && a.page === b.page && a.part === b.part;

export class MemoryBooks {
  totals = { ...noRunCounts(), restored: 0, conflict: 0, failed: 0 };
  changes: Change[] = [];
  sending: { address: PartAddress; receipt: Json | undefined; token: number }[] = [];
  letters: { key: string; code: string }[] = [];

  enter(token: number, address: PartAddress, drafts: LedgerDraft[], receipt: Json | undefined): void {
    this.sending.push({ address, receipt, token });
    for (const draft of drafts) this.changes.push({ ...draft, address, state: "done" });
  }

  isSending(address: PartAddress): boolean {
    return this.sending.some((one) => same(one.address, address));
  }

  /** @param covers pages whose outcome is not stored yet */
  openEntries(covers: (address: PartAddress) => boolean): Awaited<ReturnType<RunStore["openEntries"]>> {
    const open = this.changes.filter(({ address, state }) => covers(address) && state !== "void");
    const entries = open.map(
      ({ state, ...change }): OpenEntry => ({
        ...change,
        state: state === "unknown" || this.isSending(change.address) ? "sending" : "done",
      }),
    );
    const receipts = this.sending.flatMap(({ address, receipt }) =>
      receipt === undefined || !covers(address) ? [] : [{ address, receipt }],
    );
    return { entries, receipts };
  }

  settleParts(parts: Parameters<RunStore["settleParts"]>[0], fixes: LedgerFix[]): void {
    for (const { address, landed } of parts) {
      for (const change of this.changes)
        if (!landed && same(change.address, address) && change.state === "done") change.state = "void";
      this.sending = this.sending.filter((one) => !same(one.address, address));
    }
    this.#fix(fixes);
  }

  /** The attempt ends in the middle of these pages. Parts that an earlier one left open stay open: it knows nothing of them. */
  leave(token: number, pages: Parameters<RunStore["wait"]>[0]["pages"]): void {
    for (const { number, fixes, unsettled } of pages ?? []) {
      this.#fix(fixes);
      this.sending = this.sending.filter(
        (part) => part.token !== token || part.address.page !== number || unsettled.includes(part.address.part),
      );
    }
  }

  /** @param covered the pages that are stored now */
  checkpoint({ counts, letters, fixes }: Checkpoint, covered: (address: PartAddress) => boolean): void {
    for (const [name, value] of Object.entries(counts)) this.totals[name as keyof typeof this.totals] += value ?? 0;
    this.#fix(fixes);
    this.sending = this.sending.filter(({ address }) => !covered(address));
    for (const { key, failure } of letters) this.letters.push({ key, code: failure.code });
  }

  /** The run ends in the middle of these pages: what landed counts, what is in doubt is a person's (server/db/run-store/half-page.ts). */
  closeHalf(covers: (address: PartAddress) => boolean): void {
    for (const change of this.changes) {
      if (!covers(change.address) || change.state === "void") continue;
      if (this.isSending(change.address)) change.state = "unknown";
      this.totals.read++;
      this.totals[change.state === "done" ? "created" : "dead"]++;
      if (change.state === "unknown") this.letters.push({ key: change.key, code: "may-have-arrived" });
    }
    this.sending = this.sending.filter(({ address }) => !covers(address));
  }

  #fix(fixes: LedgerFix[]): void {
    for (const fix of fixes)
      for (const change of this.changes)
        if (same(change.address, fix) && change.key === fix.key)
          change.state = fix.unknown ? "unknown" : fix.landed ? "done" : "void";
  }
}

/** What the engine is given in an attempt of the model: reads by `read`, writes to the target, and a clock that stands still. */
export function portsOf(
  world: {
    kind: Kind;
    target: MemoryTarget;
    fate: Fate;
    flaky: () => boolean;
    lost?: () => boolean;
    /** false: requests may be on their way for longer than anybody waits */
    waits?: boolean;
  },
  store: RunStore,
  read: ReturnType<MemoryTarget["session"]>["read"],
  attempt: number,
): RunPorts {
  const { fate } = world;
  const session = world.target.session(fate, world.flaky, world.lost);
  const from = { id: "con_from", session: { ...session, read }, sinks: [] };
  const to = { id: "con_to", session, sinks: [sinkInfo(world.kind)] };
  return {
    store,
    connection: async (name) => (name === "From" ? from : to),
    connectionById: async () => to,
    clock: () => new Date(attempt * 1000),
    sleep: async (ms) => {
      // what is on its way is there by then, or it is later than anybody can wait for
      if (ms >= UNDER_WAY_MS && world.waits !== false) fate.arrive();
    },
    isOutage: (error) => error instanceof Crash || fate.dead,
    isDown: async () => false,
    report: (error) => {
      if (!(error instanceof Crash)) throw error;
    },
    random: () => 0.5,
    signal: new AbortController().signal,
  };
}
