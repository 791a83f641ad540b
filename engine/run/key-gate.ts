/**
 * Lets pages of one run write at once as long as they touch different records. A page that touches a record of a page
 * before it waits for that page, so the second change sees the first.
 */
type Ticket = { page: number; keys: ReadonlySet<string>; landed: Promise<void> };

export class KeyGate {
  readonly #tickets = new Map<string, Ticket[]>();
  readonly #begun = new Map<number, Map<string, () => void>>();
  readonly #arrivals = new Map<string, Promise<void>>();
  readonly #ends = new Map<number, { promise: Promise<void>; end(): void }>();

  /** Announces a page before any of its write steps begins. Pages are announced in order. */
  announce(page: number, steps: readonly string[]): void {
    this.#ends.set(page, settler());
    const begun = new Map<string, () => void>();
    for (const step of steps) {
      const { promise, end } = settler();
      begun.set(step, end);
      this.#arrivals.set(`${page}/${step}`, promise);
    }
    this.#begun.set(page, begun);
  }

  /**
   * Waits until `page` may write these keys at this step: every earlier page has come to the step (or passed it), and none
   * of them that is still under way holds one of the keys.
   */
  async enter(page: number, step: string, keys: ReadonlySet<string>): Promise<void> {
    for (const earlier of this.#earlier(page)) await this.#arrivals.get(`${earlier}/${step}`);
    const tickets = this.#tickets.get(step) ?? [];
    this.#tickets.set(step, tickets);
    const clashing = tickets.filter((ticket) => ticket.page < page && intersects(ticket.keys, keys));
    tickets.push({ page, keys, landed: this.#ends.get(page)?.promise ?? Promise.resolve() });
    this.#begun.get(page)?.get(step)?.();
    for (const { landed } of clashing) await landed;
  }

  /** Waits for every page before this one. True when there was one to wait for. */
  async earlierLanded(page: number): Promise<boolean> {
    const earlier = this.#earlier(page);
    for (const number of earlier) await this.#ends.get(number)?.promise;
    return earlier.length > 0;
  }

  /** The page has landed, or failed: nobody waits for it any longer. */
  leave(page: number): void {
    for (const begun of this.#begun.get(page)?.values() ?? []) begun();
    this.#begun.delete(page);
    for (const [step, tickets] of this.#tickets) {
      const left = tickets.filter((ticket) => ticket.page !== page);
      this.#tickets.set(step, left);
      this.#arrivals.delete(`${page}/${step}`);
    }
    this.#ends.get(page)?.end();
    this.#ends.delete(page);
  }

  #earlier(page: number): number[] {
    return [...this.#ends.keys()].filter((number) => number < page);
  }
}

function settler(): { promise: Promise<void>; end(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, end: resolve };
}

function intersects(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  for (const key of small) if (large.has(key)) return true;
  return false;
}
