/**
 * Whose fault a failure is that may be about one record or about the whole system (404 at a fixed path, 403, 500, a page of
 * HTML): the record's when the system took others of the same kind, sent after the failure. A record that is alone in its
 * page (an event, a schedule that brings one at a time) is judged by what the system took before.
 */

/** So many failures in a row, with nothing taken in between, are about the system. */
const IN_A_ROW = 10;

/** What a system takes, by sink and kind: failures in a row since it took one. Kept as long as settings and credentials stay. */
export type Track = Map<string, number>;

type Kind = { open: { index: number; at: number }[]; taken: number };

/** Keeps what failed and what was taken in one call, apart by kind ("create", "read", …). */
export class Suspects {
  readonly #kinds = new Map<string, Kind>();
  readonly #track: Track;
  readonly #place: string;
  #now = 0;

  constructor(track: Track = new Map(), place = "") {
    this.#track = track;
    this.#place = place;
  }

  /** A request goes out. @returns its moment, for `taken` */
  begin(): number {
    return ++this.#now;
  }

  /**
   * A request failed in a way that says nothing of whose fault it is.
   *
   * @param most failures in a row after which it is the system's; 10 when absent
   * @returns whether it is the system's now, so that nothing more should be sent
   */
  failed(kind: string, index: number, most = IN_A_ROW): boolean {
    const { open } = this.#kind(kind);
    open.push({ index, at: ++this.#now });
    return open.length >= most;
  }

  /** A request that began at `begunAt` was taken. @returns the failures before it, which are their records' own */
  taken(name: string, begunAt: number): number[] {
    const known = this.#kind(name);
    known.taken++;
    this.#track.set(this.#place + name, 0);
    const own = known.open.filter(({ at }) => at < begunAt);
    known.open = known.open.filter(({ at }) => at > begunAt);
    return own.map(({ index }) => index);
  }

  /** Nothing more is sent. @returns the last failures, where they are few in a row and others of their kind were taken before them */
  rest(): number[] {
    return [...this.#kinds].flatMap(([name, { open }]) => {
      const before = this.#track.get(this.#place + name);
      if (before === undefined || open.length === 0) return [];
      this.#track.set(this.#place + name, before + open.length);
      return before + open.length < IN_A_ROW ? open.map(({ index }) => index) : [];
    });
  }

  #kind(name: string): Kind {
    const known = this.#kinds.get(name) ?? { open: [], taken: 0 };
    this.#kinds.set(name, known);
    return known;
  }
}
