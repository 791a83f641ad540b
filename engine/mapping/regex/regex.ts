import { fail } from "../error.ts";
import type { ConstantProblem } from "../function.ts";
import { quote, type Value } from "../value.ts";
import { RegexMachine } from "./machine.ts";
import { parseRegex, type RegexNode, type RegexSyntax, RegexSyntaxError, writeRegex } from "./syntax.ts";

export interface RegexMatch {
  /** where it starts and ends, in UTF-16 units */
  start: number;
  end: number;
  /** the whole match, then its groups */
  groups: (string | undefined)[];
}

export interface Regex {
  exec(text: string, from: number): RegexMatch | undefined;
  /** Replaces every match; $0 to $9 and $$ in `replacement` stand for the match, its groups and a dollar sign. */
  replace(text: string, replacement: string): string;
}

const LONGEST_PATTERN = 1000;
/** The built-in engine, which backtracks, is used while it cannot need more steps than this. */
const BACKTRACK_STEPS = 1_000_000;
const cache = new Map<string, Regex>();

/** @throws MappingError (bad_format, argument 1) for a pattern that is none */
export function compileRegex(pattern: string): Regex {
  const known = cache.get(pattern);
  if (known) return known;
  const problem = describeProblem(pattern);
  if (problem) fail("bad_format", problem, 1);
  const regex = new HybridRegex(parseRegex(pattern));
  if (cache.size >= 300) cache.clear();
  cache.set(pattern, regex);
  return regex;
}

/** For `check` of functions that take a pattern. */
export function regexProblem(pattern: Value | undefined, argument: number): ConstantProblem | undefined {
  const message = typeof pattern === "string" ? describeProblem(pattern) : undefined;
  return message === undefined ? undefined : { argument, message };
}

function describeProblem(pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN)
    return `expected a regular expression of at most ${LONGEST_PATTERN} characters, found ${pattern.length}`;
  try {
    const syntax = parseRegex(pattern);
    new RegExp(writeRegex(syntax.root), "u");
    new RegexMachine(syntax);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegexSyntaxError) && !(error instanceof SyntaxError)) throw error;
    const reason = error.message.replace(/^Invalid regular expression: .*: /, "");
    return `expected a regular expression, found ${quote(pattern)}: ${reason}`;
  }
}

class HybridRegex implements Regex {
  private readonly native: RegExp;
  private readonly machine: RegexMachine;
  /** longest text that is safe for the built-in engine */
  private readonly nativeLimit: number;

  constructor(syntax: RegexSyntax) {
    this.native = new RegExp(writeRegex(syntax.root), syntax.ignoreCase ? "giu" : "gu");
    this.machine = new RegexMachine(syntax);
    this.nativeLimit = safeLength(syntax.root);
  }

  exec(text: string, from: number): RegexMatch | undefined {
    if (text.length <= this.nativeLimit) return this.nativeExec(text, from);
    const characters = Array.from(text);
    return this.machineExec(characters, from === 0 ? 0 : Array.from(text.slice(0, from)).length, { steps: 0 });
  }

  replace(text: string, replacement: string): string {
    const simple = !replacement.includes("$");
    if (text.length <= this.nativeLimit) {
      this.native.lastIndex = 0;
      if (simple) return text.replace(this.native, () => replacement);
    }
    let result = "";
    let done = 0;
    for (const match of this.all(text)) {
      result += text.slice(done, match.start) + (simple ? replacement : fill(replacement, match.groups));
      done = match.end;
    }
    return result + text.slice(done);
  }

  private *all(text: string): Generator<RegexMatch> {
    if (text.length <= this.nativeLimit) {
      for (const match of text.matchAll(this.native))
        yield { start: match.index, end: match.index + match[0].length, groups: [...match] };
      return;
    }
    const characters = Array.from(text);
    const budget = { steps: 0 };
    for (let from = 0; from <= characters.length; ) {
      const places = this.machine.exec(characters, from, budget);
      if (!places) return;
      yield toMatch(characters, places);
      from = places[1]! > places[0]! ? places[1]! : places[1]! + 1;
    }
  }

  private nativeExec(text: string, from: number): RegexMatch | undefined {
    this.native.lastIndex = from;
    const match = this.native.exec(text);
    return match ? { start: match.index, end: match.index + match[0].length, groups: [...match] } : undefined;
  }

  private machineExec(characters: string[], from: number, budget: { steps: number }): RegexMatch | undefined {
    const places = this.machine.exec(characters, from, budget);
    return places ? toMatch(characters, places) : undefined;
  }
}

function toMatch(characters: readonly string[], places: Int32Array): RegexMatch {
  const groups: (string | undefined)[] = [];
  for (let slot = 0; slot < places.length; slot += 2) {
    const [start, end] = [places[slot]!, places[slot + 1]!];
    groups.push(start < 0 || end < 0 ? undefined : characters.slice(start, end).join(""));
  }
  const start = characters.slice(0, places[0]!).join("").length;
  return { start, end: start + groups[0]!.length, groups };
}

function fill(replacement: string, groups: readonly (string | undefined)[]): string {
  return replacement.replace(/\$([0-9$])/g, (_, which: string) =>
    which === "$" ? "$" : (groups[Number(which)] ?? ""),
  );
}

/**
 * How long a text may be before a backtracking engine could need too many steps: with k repeats of variable length it may
 * try n^(k+1) ways, each choice doubles that; a repeat around something that can itself match in several ways has no bound.
 */
function safeLength(root: RegexNode): number {
  let repeats = 1;
  let choices = 0;
  let unbounded = false;
  const visit = (node: RegexNode, repeated: boolean): void => {
    if (node.kind === "repeat") {
      const variable = node.most !== node.least;
      if (variable && repeated) unbounded = true;
      if (variable && node.most === 1) choices += 1;
      else if (variable) repeats += 1;
      visit(node.body, repeated || node.most > 1);
    } else if (node.kind === "choice") {
      if (repeated) unbounded = true;
      choices += Math.log2(node.options.length);
      for (const option of node.options) visit(option, repeated);
    } else if (node.kind === "group") visit(node.body, repeated);
    else if (node.kind === "sequence") for (const part of node.parts) visit(part, repeated);
  };
  visit(root, false);
  return unbounded ? -1 : Math.floor((BACKTRACK_STEPS / 2 ** choices) ** (1 / repeats));
}
