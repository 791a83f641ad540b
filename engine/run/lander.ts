/** Lands pages in order, up to `width` of them under way at once, so that database and worker are both busy. */
import { type Ahead, ahead } from "./ahead.ts";
import { RunHalted } from "./page.ts";
import type { WorkedPage } from "./run-pages.ts";

export type Landed = {
  number: number;
  worked: WorkedPage;
  /** no page is under way */
  idle: boolean;
  /** no page is under way and none is left */
  last: boolean;
};

export class Lander<R> {
  readonly #pages: AsyncIterator<R>;
  readonly #land: (page: R, number: number) => Promise<WorkedPage>;
  readonly #width: number;
  readonly #halted: Promise<"halted">;
  #upcoming: Promise<Ahead<R>>;
  #flying: { number: number; done: Promise<WorkedPage> }[] = [];
  #number: number;
  #exhausted = false;
  #failure: { error: unknown } | null = null;

  constructor(
    pages: AsyncIterator<R>,
    options: {
      width: number;
      first: number;
      halt?: AbortSignal | undefined;
      land(page: R, number: number): Promise<WorkedPage>;
    },
  ) {
    this.#pages = pages;
    this.#land = options.land;
    this.#width = options.width;
    this.#number = options.first;
    const { promise, resolve } = Promise.withResolvers<"halted">();
    options.halt?.addEventListener("abort", () => resolve("halted"), { once: true });
    if (options.halt?.aborted) resolve("halted");
    this.#halted = promise;
    this.#upcoming = ahead(pages);
  }

  /**
   * The next page that has landed, in the order of the pages; null when there is none any more.
   *
   * @param closing start no further page; only what is under way still comes
   * @throws the failure of that page, or of reading and preparing the page after the last one; RunHalted when the run is to
   *   stop and only the source is waited for
   */
  async next(closing: boolean): Promise<Landed | null> {
    if (!closing) await this.#fill();
    const first = this.#flying.shift();
    if (!first) {
      if (this.#failure) throw this.#failure.error;
      return null;
    }
    const worked = await first.done;
    const idle = this.#flying.length === 0;
    return { number: first.number, worked, idle, last: idle && (await this.#isLast()) };
  }

  /** Waits until nothing is under way, however it ends. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#flying.map(({ done }) => done));
  }

  /** Looks whether a page is left, without starting it. */
  async #isLast(): Promise<boolean> {
    if (this.#failure) return false;
    if (this.#exhausted) return true;
    const next = await Promise.race([this.#upcoming, this.#halted]);
    return next !== "halted" && next.done && next.error === undefined;
  }

  async #fill(): Promise<void> {
    while (this.#flying.length < this.#width && !this.#exhausted && this.#failure === null) {
      const oldest = this.#flying[0];
      const next = await Promise.race([this.#upcoming, oldest ? landed(oldest.done) : this.#halted]);
      if (next === "halted") throw new RunHalted();
      if (next === null) return; // the oldest landed first: its turn
      if (next.error !== undefined) this.#failure = { error: next.error };
      else if (next.done) this.#exhausted = true;
      else {
        this.#upcoming = ahead(this.#pages);
        const number = this.#number++;
        const done = this.#land(next.item, number);
        done.catch(() => {}); // its failure is met in its turn
        this.#flying.push({ number, done });
      }
    }
  }
}

async function landed(done: Promise<unknown>): Promise<null> {
  await done.catch(() => {});
  return null;
}
