import type { Json } from "../../../connectors/sdk/types.ts";
import { type Checkpoint, LeaseLost, type PartAddress, type RunStore } from "../../ports.ts";
import type { FlowCursor } from "../execute-flow.ts";
import { finish } from "../run-pages.ts";
import { MemoryBooks } from "./memory-books.ts";
import type { Fate } from "./protocol-model.ts";

const PAGES = 1_000;

export type Stretch = {
  number: number;
  range: Json;
  state: "queued" | "running" | "done";
  token: number;
  attempt: number;
  page: number;
  cursor: FlowCursor | null;
  ending: "wait" | "failed" | "cancelled" | null;
};

const pageOf = (stretch: number, { page }: PartAddress) => page >= stretch * PAGES && page < (stretch + 1) * PAGES;

/** What PostgreSQL keeps of a divided run (server/db/run-store/stretches.ts), with every method one transaction. */
export class MemoryStretches {
  state = "running";
  stop: "cancel" | null = null;
  readonly books = new MemoryBooks();
  readonly stretches: Stretch[];

  constructor(ranges: Json[]) {
    this.stretches = ranges.map((range, number) => ({
      ...{ number, range, state: "queued", token: 0, attempt: 0, page: number * PAGES, cursor: null, ending: null },
    }));
  }

  claim(): Stretch | undefined {
    const halting = this.stretches.some(({ ending }) => ending !== null);
    const free = this.stretches.find(
      (one) => one.state === "queued" && (!halting || (this.breaksOff() && one.ending === null && this.#halfSent(one))),
    );
    if (this.state !== "running" || !free) return undefined;
    Object.assign(free, { state: "running", token: free.token + 1, attempt: free.attempt + 1 });
    return free;
  }

  /** What a sweep does to a stretch whose worker is gone, or is taken to be. */
  takeBack(stretch: Stretch, token: number): void {
    if (stretch.state !== "running" || stretch.token !== token) return;
    Object.assign(stretch, { state: "queued", token: token + 1 });
    this.#leave();
  }

  /** The run is due again. */
  takeUp(): void {
    if (this.state !== "waiting") return;
    this.state = "running";
    for (const stretch of this.stretches) stretch.ending = null;
  }

  /** It is to end early, and only waits for what is known of half-sent pages. */
  breaksOff(): boolean {
    return this.stop === "cancel" || this.stretches.some(({ ending }) => ending === "failed" || ending === "cancelled");
  }

  #halfSent({ number }: Stretch): boolean {
    return this.books.sending.some(({ address }) => pageOf(number, address));
  }

  #leave(): void {
    if (this.state !== "running" || this.stretches.some(({ state }) => state === "running")) return;
    if (this.stretches.every(({ state }) => state === "done")) {
      this.state = finish(this.books.totals).state;
      return;
    }
    const endings = new Set(this.stretches.map(({ ending }) => ending));
    const looks = this.stretches.some((one) => one.state === "queued" && one.ending === null && this.#halfSent(one));
    if (this.breaksOff() && looks) return;
    if (endings.has("failed")) this.#breakOff("failed");
    else if (this.breaksOff()) this.#breakOff("cancelled");
    else if (endings.has("wait")) this.state = "waiting";
  }

  /** What landed beyond a checkpoint counts; what is in doubt is a person's. */
  #breakOff(state: string): void {
    this.state = state;
    for (const { number, page } of this.stretches)
      this.books.closeHalf((address) => pageOf(number, address) && address.page >= page);
    this.books.sending = [];
  }

  store(fate: Fate, stretch: Stretch): RunStore {
    const { token, number } = stretch;
    const { books } = this;
    const mine = (address: PartAddress) => pageOf(number, address);
    const fenced = <T>(name: string, work: () => T) =>
      fate.effect(`${name} ${number}`, () => {
        if (stretch.state !== "running" || token !== stretch.token) throw new LeaseLost("1");
        return work();
      });
    const giveBack = (ending: Stretch["ending"]) => {
      Object.assign(stretch, { state: "queued", ending });
      this.#leave();
    };
    return {
      enter: (...part) => fenced("enter", () => books.enter(token, ...part)),
      foresee: async () => {},
      foreseen: async () => new Map(),
      checkpoint: (checkpoint) => fenced("checkpoint", () => this.#checkpoint(stretch, mine, checkpoint)),
      wait: ({ pages }) =>
        fenced("wait", () => {
          books.leave(token, pages);
          giveBack("wait");
        }),
      finish: ({ state }) => fenced("finish", () => giveBack(state)),
      release: () => fenced("release", () => giveBack(null)),
      openEntries: () =>
        fate.effect(`open ${number}`, () =>
          books.openEntries((address) => mine(address) && address.page >= stretch.page),
        ),
      settleParts: (...parts) => fenced("settle", () => books.settleParts(...parts)),
      collected: async () => [],
      blocked: async () => new Set(),
      seen: async () => new Set(),
    };
  }

  #checkpoint(stretch: Stretch, mine: (address: PartAddress) => boolean, checkpoint: Checkpoint) {
    const { page, cursor, after } = checkpoint;
    this.books.checkpoint(checkpoint, (address) => mine(address) && address.page <= page);
    stretch.page = page + 1;
    stretch.cursor = cursor as FlowCursor | null;
    if (after.kind === "finish") throw new Error("A stretch does not end its run by itself.");
    if (after.kind !== "continue") {
      stretch.state = after.kind === "done" ? "done" : "queued";
      this.#leave();
    }
    const halt = this.stretches.some(({ ending }) => ending !== null);
    return { stop: this.stop ?? (halt ? ("halt" as const) : null) };
  }
}
