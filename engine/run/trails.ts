/**
 * What a page did to each of its events: counters per step, per event. Most events of a batch take the same way, so ways
 * are kept once and events point to them.
 */
import { type Ended, OUTCOMES, type Outcome } from "../steps/define-step.ts";
import type { PageTrace } from "./process-page.ts";

type Row = {
  step: string;
  in: Uint32Array;
  made: Uint32Array;
  joined: Uint32Array;
  ports: Map<string, Uint32Array>;
  outcomes: Map<Outcome, Uint32Array>;
};

/** Counters of one step on an event's way; what is zero is left out. */
export type TrailStep = {
  id: string;
  in: number;
  out: number;
  made?: number;
  joined?: number;
  ports: { [port: string]: number };
} & {
  [O in Outcome]?: number;
};

/** A part of an event that ended, for its journey and its answer. */
export type EndedPart = Ended & { step: string };

export class Trails implements PageTrace {
  readonly ends: EndedPart[] = [];
  readonly #rows = new Map<string, Row>();
  readonly #eventOf: Int32Array;
  readonly #events: number;

  /** @param eventOf index of the event each record of the page came with */
  constructor(eventOf: Int32Array, events: number) {
    this.#eventOf = eventOf;
    this.#events = events;
  }

  entered(step: string, origins: number[]): void {
    this.#add(this.#row(step).in, origins);
  }

  made(step: string, origins: number[]): void {
    this.#add(this.#row(step).made, origins);
  }

  joined(step: string, origins: number[]): void {
    this.#add(this.#row(step).joined, origins);
  }

  left(step: string, port: string, origins: number[]): void {
    const { ports } = this.#row(step);
    let counts = ports.get(port);
    if (!counts) {
      counts = new Uint32Array(this.#events);
      ports.set(port, counts);
    }
    this.#add(counts, origins);
  }

  ended(step: string, parts: Ended[]): void {
    const { outcomes } = this.#row(step);
    for (const part of parts) {
      let counts = outcomes.get(part.outcome);
      if (!counts) {
        counts = new Uint32Array(this.#events);
        outcomes.set(part.outcome, counts);
      }
      const event = this.#eventOf[part.origin] as number;
      counts[event] = (counts[event] as number) + 1;
      this.ends.push({ ...part, step });
    }
  }

  /** The ways the events took, and which of them each took. */
  summary(): { ways: TrailStep[][]; wayOf: number[] } {
    const ways: TrailStep[][] = [];
    const known = new Map<string, number>();
    const rows = [...this.#rows.values()];
    const wayOf: number[] = [];
    for (let event = 0; event < this.#events; event++) {
      const name = nameOfWay(rows, event);
      let way = known.get(name);
      if (way === undefined) {
        way = ways.length;
        known.set(name, way);
        ways.push(rows.filter((row) => row.in[event]).map((row) => stepOf(row, event)));
      }
      wayOf.push(way);
    }
    return { ways, wayOf };
  }

  #row(step: string): Row {
    let row = this.#rows.get(step);
    if (!row) {
      const zeros = () => new Uint32Array(this.#events);
      row = { step, in: zeros(), made: zeros(), joined: zeros(), ports: new Map(), outcomes: new Map() };
      this.#rows.set(step, row);
    }
    return row;
  }

  #add(counts: Uint32Array, origins: number[]): void {
    for (const origin of origins) {
      const event = this.#eventOf[origin] as number;
      counts[event] = (counts[event] as number) + 1;
    }
  }
}

function nameOfWay(rows: Row[], event: number): string {
  let name = "";
  for (const row of rows) {
    name += `${row.in[event]}:${row.made[event]}:${row.joined[event]}:`;
    for (const counts of row.ports.values()) name += `${counts[event]},`;
    for (const counts of row.outcomes.values()) name += `${counts[event]};`;
  }
  return name;
}

function stepOf(row: Row, event: number): TrailStep {
  const step: TrailStep = { id: row.step, in: row.in[event] as number, out: 0, ports: {} };
  let ended = 0;
  for (const outcome of OUTCOMES) {
    const count = row.outcomes.get(outcome)?.[event] ?? 0;
    if (count === 0) continue;
    step[outcome] = count;
    ended += count;
  }
  for (const [port, counts] of row.ports) if (counts[event]) step.ports[port] = counts[event];
  const made = row.made[event] as number;
  const joined = row.joined[event] as number;
  if (made > 0) step.made = made;
  if (joined > 0) step.joined = joined;
  step.out = step.in + made - joined - ended;
  return step;
}
