import { fail } from "../error.ts";
import type { RegexNode, RegexSyntax } from "./syntax.ts";
import { RegexSyntaxError } from "./syntax.ts";

type Test = (character: string) => boolean;
type Instruction =
  | { kind: "character"; test: Test }
  | { kind: "assert"; source: string }
  | { kind: "split"; first: number; second: number }
  | { kind: "jump"; to: number }
  | { kind: "save"; slot: number }
  | { kind: "match" };

const LONGEST_PROGRAM = 5000;
const MOST_STEPS = 20_000_000;
const WORD = /\w/;

/** Places of a match: start and end of the whole and of each group, in characters of `text`; −1 = took no part. */
export type Places = Int32Array;

/**
 * Matches by following all possibilities at once (Thompson, Pike), so time grows with the length of text times pattern,
 * whatever the pattern. Slower than the built-in engine for harmless patterns, never catastrophic.
 */
export class RegexMachine {
  private readonly program: Instruction[] = [];
  private readonly slots: number;
  private readonly tests = new Map<string, Test>();
  private readonly ignoreCase: boolean;

  constructor({ root, captures, ignoreCase }: RegexSyntax) {
    this.slots = 2 * (captures + 1);
    this.ignoreCase = ignoreCase;
    this.compile({ kind: "group", body: root, capture: 0 });
    this.emit({ kind: "match" });
  }

  /** The leftmost match at or after `from`, preferring earlier choices as other engines do. */
  exec(characters: readonly string[], from: number, budget: { steps: number }): Places | undefined {
    const { program } = this;
    let current: { pc: number; places: Places }[] = [];
    let next: { pc: number; places: Places }[] = [];
    let marked = new Int32Array(program.length).fill(-1);
    let matched: Places | undefined;
    const follow = (list: { pc: number; places: Places }[], start: number, startPlaces: Places, at: number) => {
      const stack: { pc: number; places: Places }[] = [{ pc: start, places: startPlaces }];
      while (stack.length > 0) {
        const { pc, places } = stack.pop()!;
        if (marked[pc] === at) continue;
        marked[pc] = at;
        budget.steps += 1;
        const instruction = program[pc]!;
        if (instruction.kind === "jump") stack.push({ pc: instruction.to, places });
        else if (instruction.kind === "split")
          stack.push({ pc: instruction.second, places }, { pc: instruction.first, places });
        else if (instruction.kind === "save") {
          const saved = places.slice();
          saved[instruction.slot] = at;
          stack.push({ pc: pc + 1, places: saved });
        } else if (instruction.kind === "assert") {
          if (holds(instruction.source, characters, at)) stack.push({ pc: pc + 1, places });
        } else list.push({ pc, places });
      }
    };
    for (let at = from; at <= characters.length; at += 1) {
      if (budget.steps > MOST_STEPS)
        fail("too_much_work", `the text of ${characters.length} characters is too long for this pattern`, 0);
      if (!matched) {
        if (at === from) marked = new Int32Array(program.length).fill(-1);
        follow(current, 0, new Int32Array(this.slots).fill(-1), at);
      }
      if (current.length === 0 && matched) break;
      const character = characters[at];
      for (const { pc, places } of current) {
        const instruction = program[pc]!;
        budget.steps += 1;
        if (instruction.kind === "match") {
          matched = places;
          break; // what comes later has lower preference
        }
        if (character !== undefined && instruction.kind === "character" && instruction.test(character))
          follow(next, pc + 1, places, at + 1);
      }
      [current, next] = [next, current];
      next.length = 0;
    }
    return matched;
  }

  private emit(instruction: Instruction): number {
    if (this.program.length >= LONGEST_PROGRAM) throw new RegexSyntaxError("it repeats too much");
    this.program.push(instruction);
    return this.program.length - 1;
  }

  private compile(node: RegexNode): void {
    switch (node.kind) {
      case "character":
        this.emit({ kind: "character", test: this.testOf(node.source) });
        return;
      case "assert":
        this.emit({ kind: "assert", source: node.source });
        return;
      case "sequence":
        for (const part of node.parts) this.compile(part);
        return;
      case "group":
        if (node.capture !== undefined) this.emit({ kind: "save", slot: 2 * node.capture });
        this.compile(node.body);
        if (node.capture !== undefined) this.emit({ kind: "save", slot: 2 * node.capture + 1 });
        return;
      case "choice":
        this.choice(node.options);
        return;
      case "repeat":
        this.repeat(node);
    }
  }

  private choice(options: readonly RegexNode[]): void {
    const ends: number[] = [];
    options.forEach((option, index) => {
      if (index === options.length - 1) {
        this.compile(option);
        return;
      }
      const split = this.emit({ kind: "split", first: this.program.length + 1, second: 0 });
      this.compile(option);
      ends.push(this.emit({ kind: "jump", to: 0 }));
      this.program[split] = { kind: "split", first: split + 1, second: this.program.length };
    });
    for (const end of ends) this.program[end] = { kind: "jump", to: this.program.length };
  }

  private repeat({ body, least, most, lazy }: Extract<RegexNode, { kind: "repeat" }>): void {
    for (let index = 0; index < least; index += 1) this.compile(body);
    const split = (from: number, inside: number, after: number) => {
      this.program[from] = lazy
        ? { kind: "split", first: after, second: inside }
        : { kind: "split", first: inside, second: after };
    };
    if (most === Number.POSITIVE_INFINITY) {
      const start = this.emit({ kind: "jump", to: 0 });
      this.compile(body);
      this.emit({ kind: "jump", to: start });
      split(start, start + 1, this.program.length);
      return;
    }
    const starts: number[] = [];
    for (let index = least; index < most; index += 1) {
      starts.push(this.emit({ kind: "jump", to: 0 }));
      this.compile(body);
    }
    for (const start of starts) split(start, start + 1, this.program.length);
  }

  /** The built-in engine decides about single characters: classes, properties and letters without regard to case. */
  private testOf(source: string): Test {
    const known = this.tests.get(source);
    if (known) return known;
    const single = new RegExp(`^${source}$`, this.ignoreCase ? "iu" : "u");
    const seen = new Map<string, boolean>();
    const test = (character: string) => {
      let result = seen.get(character);
      if (result === undefined) {
        result =
          character !== "\n" && character !== "\r" ? single.test(character) : single.exec(character)?.[0] === character;
        if (seen.size < 1000) seen.set(character, result);
      }
      return result;
    };
    this.tests.set(source, test);
    return test;
  }
}

function holds(assertion: string, characters: readonly string[], at: number): boolean {
  if (assertion === "^") return at === 0;
  if (assertion === "$") return at === characters.length;
  const before = at > 0 && WORD.test(characters[at - 1]!);
  const after = at < characters.length && WORD.test(characters[at]!);
  return (before !== after) === (assertion === "\\b");
}
