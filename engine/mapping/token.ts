import { isBracketName } from "./names.ts";

export type TokenKind =
  | "number"
  | "text"
  | "name"
  | "function"
  | "keyword"
  | "operator"
  | "punctuation"
  | "error"
  | "end";

export interface Token {
  kind: TokenKind;
  /** the characters as written */
  source: string;
  /** a text without its quotes, a name without its brackets; the message of an error */
  value: string;
  /** a name in brackets or backticks: never a keyword or a function */
  quoted: boolean;
  start: number;
  end: number;
}

const SPACE = /[\s\u00a0]+/y;
const NUMBER = /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[\p{L}_$][\p{L}\p{N}\p{M}_$]*/uy;
const OPERATOR = /<>|<=|>=|[-+*/^%&=<>]/y;
const CALL = /[\s\u00a0]*\(/y;
const KEYWORDS = new Set(["TRUE", "FALSE", "NULL"]);

/** What people type who know another language, and what to type here. */
const FOREIGN: [RegExp, string][] = [
  [/==/y, 'expected "=" to compare, found "=="'],
  [/!=/y, 'expected "<>" for “not equal”, found "!="'],
  [/&&/y, 'expected AND(…, …), found "&&"'],
  [/\|\|/y, 'expected OR(…, …), found "||"'],
  [/!/y, 'expected NOT(…), found "!"'],
  [/'/y, "expected text in double quotes, found a single quote"],
  [/[“”„«»]/y, 'expected straight double quotes ("), found typographic ones'],
];

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/**
 * Cuts a formula into tokens, blanks left out, the last one of kind `end`. Never throws: what cannot be read is a token of
 * kind `error` that covers it and says why, so the editor can colour a formula while it is typed.
 */
export function tokenize(formula: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: TokenKind, length: number, value?: string, quoted = false) => {
    const source = formula.slice(at, at + length);
    tokens.push({ kind, source, value: value ?? source, quoted, start: at, end: at + length });
    at += length;
  };
  for (;;) {
    at += match(SPACE, formula, at)?.length ?? 0;
    if (at >= formula.length) break;
    const character = formula[at]!;
    const found = match(NUMBER, formula, at);
    if (found !== undefined) {
      push("number", found.length);
    } else if (character === '"') {
      readText(formula, at, push);
    } else if (character === "`") {
      const end = /`(?:[^`]|``)*`/y;
      const name = match(end, formula, at);
      if (name === undefined)
        push("error", formula.length - at, "the backtick that opens a field name here is never closed");
      else push("name", name.length, name.slice(1, -1).replaceAll("``", "`"), true);
    } else if (character === "[") {
      readBracket(formula, at, tokens.at(-1), push);
    } else {
      readPlain(formula, at, push);
    }
  }
  push("end", 0);
  return tokens;
}

type Push = (kind: TokenKind, length: number, value?: string, quoted?: boolean) => void;

function readText(formula: string, at: number, push: Push): void {
  const text = match(/"(?:[^"]|"")*"/y, formula, at);
  if (text === undefined)
    push("error", formula.length - at, 'the text that starts here has no closing double quote (")');
  else push("text", text.length, text.slice(1, -1).replaceAll('""', '"'));
}

/** `[Unit price]` is a name, `[1, 2]` opens a list, `lines[1]` opens an index. */
function readBracket(formula: string, at: number, before: Token | undefined, push: Push): void {
  const adjacent = before?.end === at && (before.kind === "name" || before.source === ")" || before.source === "]");
  const close = formula.indexOf("]", at);
  const content = close < 0 ? "" : formula.slice(at + 1, close);
  if (!adjacent && close >= 0 && isBracketName(content)) push("name", close + 1 - at, content, true);
  else push("punctuation", 1);
}

function readPlain(formula: string, at: number, push: Push): void {
  const name = match(NAME, formula, at);
  if (name !== undefined) {
    const call = match(CALL, formula, at + name.length) !== undefined;
    push(call ? "function" : KEYWORDS.has(name.toUpperCase()) ? "keyword" : "name", name.length);
    return;
  }
  for (const [pattern, message] of FOREIGN) {
    const foreign = match(pattern, formula, at);
    if (foreign !== undefined) {
      push("error", foreign.length, message);
      return;
    }
  }
  const operator = match(OPERATOR, formula, at);
  if (operator !== undefined) push("operator", operator.length);
  else if ("(),;[]{}:.".includes(formula[at]!)) push("punctuation", 1);
  else {
    const character = String.fromCodePoint(formula.codePointAt(at)!);
    push(
      "error",
      character.length,
      `the character ${character} means nothing here; field names with odd characters go in square brackets`,
    );
  }
}
