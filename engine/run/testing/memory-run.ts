import type { Json } from "../../../connectors/sdk/types.ts";
import { type Checkpoint, LeaseLost, type RunStore } from "../../ports.ts";
import type { FlowCursor } from "../execute-flow.ts";
import { MemoryBooks } from "./memory-books.ts";
import type { Fate } from "./protocol-model.ts";

/** What PostgreSQL keeps of a run that is worked on as a whole, with every method one transaction. */
export class MemoryRun {
  token = 0;
  page = 0;
  cursor: FlowCursor | null = null;
  state: string = "queued";
  /** the flow's position, as the run's checkpoints moved it */
  position: Json = null;
  readonly books = new MemoryBooks();

  store(fate: Fate, token: number): RunStore {
    const { books } = this;
    const fenced = <T>(name: string, work: () => T) =>
      fate.effect(name, () => {
        if (token !== this.token || this.state !== "running") throw new LeaseLost("1");
        return work();
      });
    return {
      enter: (...part) => fenced("enter", () => books.enter(token, ...part)),
      foresee: async () => {},
      foreseen: async () => new Map(),
      checkpoint: (checkpoint) => fenced("checkpoint", () => this.#checkpoint(checkpoint)),
      wait: ({ pages }) =>
        fenced("wait", () => {
          books.leave(token, pages);
          this.state = "waiting";
        }),
      finish: ({ state, pages }) =>
        fenced("finish", () => {
          books.leave(token, pages);
          books.closeHalf(({ page }) => page >= this.page);
          this.state = state;
        }),
      openEntries: () => fate.effect("open", () => books.openEntries(({ page }) => page >= this.page)),
      settleParts: (...parts) => fenced("settle", () => books.settleParts(...parts)),
      release: () =>
        fenced("release", () => {
          this.state = "queued";
        }),
      collected: async () => [],
      blocked: async () => new Set(),
      seen: async () => new Set(),
    };
  }

  #checkpoint(checkpoint: Checkpoint) {
    const { page, cursor, after, watermark } = checkpoint;
    this.books.checkpoint(checkpoint, (address) => address.page <= page);
    this.page = page + 1;
    if (watermark) this.position = watermark.value;
    this.cursor = cursor as FlowCursor | null;
    if (after.kind === "finish") this.state = after.state;
    if (after.kind === "yield") this.state = "queued";
    return { stop: null };
  }
}
