import { type BinaryOperator, children, type Draft, type Node, POWERS } from "./ast.ts";
import { FormulaError, type Position } from "./error.ts";
import { negate, parseNumeric } from "./number.ts";
import { type Token, tokenize } from "./token.ts";
import { quote } from "./value.ts";

/** Longer formulas are refused; so is nesting deeper than this. Both are far beyond what a person writes. */
const LONGEST = 20_000;
const DEEPEST = 250;

const PERCENT = 60;
const SIGN = 70;

/**
 * Parses a formula written as in a spreadsheet. A leading `=` is allowed.
 *
 * @throws FormulaError for anything that is no formula, with place and remedy; never anything else
 */
export function parseFormula(source: string): Node {
  if (source.length > LONGEST) {
    throw syntax(`a formula has at most ${LONGEST} characters, this one has ${source.length}`, {
      start: LONGEST,
      end: source.length,
    });
  }
  return new Parser(source).formula();
}

function syntax(message: string, { start, end }: Position, remedy?: string): FormulaError {
  return new FormulaError({ code: "syntax", message, position: { start, end }, ...(remedy ? { remedy } : {}) });
}

class Parser {
  private readonly tokens: Token[];
  private next = 0;
  private nesting = 0;

  constructor(source: string) {
    this.tokens = tokenize(source);
    if (this.peek().source === "=") this.next = 1;
  }

  formula(): Node {
    if (this.peek().kind === "end")
      throw syntax("expected a formula, found nothing", this.peek(), "Write a field name or a function.");
    const node = this.expression(0);
    const rest = this.peek();
    if (rest.kind === "error") throw syntax(rest.value, rest);
    if (rest.kind !== "end") throw this.unexpected(rest, "expected an operator or the end of the formula");
    return node;
  }

  private peek(): Token {
    return this.tokens[this.next]!;
  }

  private take(): Token {
    const token = this.tokens[this.next]!;
    if (token.kind !== "end") this.next += 1;
    return token;
  }

  private is(source: string): boolean {
    const token = this.peek();
    return (token.kind === "punctuation" || token.kind === "operator") && token.source === source;
  }

  private isSeparator(): boolean {
    return this.is(",") || this.is(";");
  }

  private finish(draft: Draft): Node {
    const depth = 1 + children(draft).reduce((deepest, child) => Math.max(deepest, child.depth), 0);
    if (depth > DEEPEST)
      throw syntax(
        `the formula is nested deeper than ${DEEPEST} levels`,
        draft,
        "Split it into several fields or use LET.",
      );
    return { ...draft, depth };
  }

  private unexpected(token: Token, wanted: string): FormulaError {
    if (token.kind === "error") return syntax(token.value, token);
    const found = token.kind === "end" ? "the end" : quote(token.source);
    const adjacent = this.tokens[this.next - 1];
    const remedy =
      token.kind === "name" && adjacent?.kind === "name"
        ? `Put a name with blanks in square brackets: [${adjacent.value} ${token.value}].`
        : token.source === ","
          ? "A number has a point as decimal separator; a comma separates arguments."
          : undefined;
    return syntax(`${wanted}, found ${found} at ${token.start + 1}`, token, remedy);
  }

  private expression(power: number): Node {
    this.nesting += 1;
    if (this.nesting > DEEPEST) throw syntax(`the formula is nested deeper than ${DEEPEST} levels`, this.peek());
    let left = this.prefix();
    for (;;) {
      const token = this.peek();
      if (token.kind !== "operator") break;
      if (token.source === "%") {
        if (PERCENT < power) break;
        this.take();
        left = this.finish({ kind: "percent", operand: left, start: left.start, end: token.end });
        continue;
      }
      const operator = token.source as BinaryOperator;
      if (POWERS[operator] <= power) break;
      this.take();
      const right = this.expression(POWERS[operator]);
      left = this.finish({ kind: "binary", operator, left, right, start: left.start, end: right.end });
    }
    this.nesting -= 1;
    return left;
  }

  private prefix(): Node {
    const token = this.peek();
    if (token.kind !== "operator" || (token.source !== "-" && token.source !== "+"))
      return this.postfix(this.primary());
    this.take();
    const operand = this.expression(SIGN);
    if (token.source === "+") return { ...operand, start: token.start };
    if (operand.kind === "number") return { ...operand, value: negate(operand.value), start: token.start };
    return this.finish({ kind: "negate", operand, start: token.start, end: operand.end });
  }

  private postfix(primary: Node): Node {
    let node = primary;
    for (;;) {
      if (this.is(".")) {
        this.take();
        const name = this.take();
        if (name.kind === "function")
          throw syntax(`a record has no functions: ${name.value}(…) takes its value as first argument`, name);
        if (name.kind !== "name" && name.kind !== "keyword")
          throw this.unexpected(name, 'expected a field name after "."');
        node = this.finish({ kind: "member", object: node, name: name.value, start: node.start, end: name.end });
      } else if (this.is("[") && this.peek().start === node.end) {
        const open = this.take();
        const index = this.expression(0);
        if (!this.is("]"))
          throw this.unclosed(
            "]",
            "the index",
            open,
            "A nested field is written after a point: customer.[First name].",
          );
        node = this.finish({ kind: "index", object: node, index, start: node.start, end: this.take().end });
      } else {
        return node;
      }
    }
  }

  private primary(): Node {
    const token = this.take();
    const { start, end } = token;
    switch (token.kind) {
      case "number": {
        const value = parseNumeric(token.source.startsWith(".") ? `0${token.source}` : token.source);
        if (value === undefined) throw syntax(`the number ${quote(token.source)} has too many digits`, token);
        return this.finish({ kind: "number", value, start, end });
      }
      case "text":
        return this.finish({ kind: "text", value: token.value, start, end });
      case "keyword": {
        const word = token.source.toUpperCase();
        if (word === "NULL") return this.finish({ kind: "null", start, end });
        return this.finish({ kind: "boolean", value: word === "TRUE", start, end });
      }
      case "name":
        return this.finish({ kind: "name", name: token.value, start, end });
      case "function":
        return this.call(token);
      default:
    }
    if (token.source === "(" && token.kind === "punctuation") {
      const inner = this.expression(0);
      if (!this.is(")")) throw this.unclosed(")", "(", token);
      this.take();
      return inner;
    }
    if (token.source === "[" && token.kind === "punctuation") return this.list(token);
    if (token.source === "{" && token.kind === "punctuation") return this.record(token);
    this.next = this.tokens.indexOf(token);
    throw this.unexpected(token, "expected a value");
  }

  private unclosed(wanted: string, what: string, open: Token, remedy?: string): FormulaError {
    const token = this.peek();
    if (token.kind === "error") return syntax(token.value, token);
    const found = token.kind === "end" ? "the formula ended" : `found ${quote(token.source)}`;
    const message = `expected ${wanted} to close ${what} opened at ${open.start + 1}, ${found}`;
    return syntax(message, token, remedy ?? `Add ${wanted}, or remove what opened it.`);
  }

  private arguments(open: Token, what: string, close: string): Node[] {
    const items: Node[] = [];
    if (this.is(close)) return items;
    for (;;) {
      if (this.isSeparator() || this.is(close)) throw this.unexpected(this.peek(), `expected a value for ${what}`);
      items.push(this.expression(0));
      if (this.is(close)) return items;
      if (!this.isSeparator()) throw this.unclosed(close, what, open);
      this.take();
    }
  }

  private call(name: Token): Node {
    const open = this.take();
    const upper = name.value.toUpperCase();
    if (upper === "LAMBDA") return this.lambda(name, open);
    if (upper === "LET") return this.let(name, open);
    const args = this.arguments(open, `${name.value}(`, ")");
    return this.finish({
      kind: "call",
      name: name.value,
      args,
      nameEnd: name.end,
      start: name.start,
      end: this.take().end,
    });
  }

  /** A plain name followed by a separator: a parameter of LAMBDA, or a name LET defines. */
  private isBinding(): boolean {
    const after = this.tokens[this.next + 1];
    return (
      this.peek().kind === "name" && after?.kind === "punctuation" && (after.source === "," || after.source === ";")
    );
  }

  private lambda(name: Token, open: Token): Node {
    const parameters: { name: string; start: number; end: number }[] = [];
    while (this.isBinding()) {
      const parameter = this.take();
      this.take();
      parameters.push({ name: parameter.value, start: parameter.start, end: parameter.end });
    }
    if (parameters.length === 0) throw this.unexpected(this.peek(), "expected LAMBDA(name, expression)");
    const body = this.expression(0);
    if (!this.is(")")) throw this.unclosed(")", `${name.value}(`, open);
    return this.finish({ kind: "lambda", parameters, body, start: name.start, end: this.take().end });
  }

  private let(name: Token, open: Token): Node {
    const bindings: { name: string; value: Node }[] = [];
    while (this.isBinding()) {
      const binding = this.take();
      this.take();
      const value = this.expression(0);
      if (!this.isSeparator())
        throw this.unexpected(this.peek(), "expected LET(name, value, …, result): a result after the last value");
      this.take();
      bindings.push({ name: binding.value, value });
    }
    if (bindings.length === 0) throw this.unexpected(this.peek(), "expected LET(name, value, …, result)");
    const body = this.expression(0);
    if (!this.is(")")) throw this.unclosed(")", `${name.value}(`, open);
    return this.finish({ kind: "let", bindings, body, start: name.start, end: this.take().end });
  }

  private list(open: Token): Node {
    const items = this.arguments(open, "[", "]");
    return this.finish({ kind: "list", items, start: open.start, end: this.take().end });
  }

  private record(open: Token): Node {
    const entries: { key: string; value: Node }[] = [];
    while (!this.is("}")) {
      const key = this.take();
      if (key.kind !== "name" && key.kind !== "text" && key.kind !== "keyword") {
        this.next = this.tokens.indexOf(key);
        throw this.unexpected(key, "expected a field name of the record, as in { sku: l.sku }");
      }
      if (!this.is(":")) throw this.unexpected(this.peek(), `expected ":" after ${quote(key.value)}`);
      this.take();
      if (entries.some((entry) => entry.key === key.value))
        throw syntax(`the record has ${quote(key.value)} twice`, key);
      entries.push({ key: key.value, value: this.expression(0) });
      if (this.isSeparator()) this.take();
      else if (!this.is("}")) throw this.unclosed("}", "{", open);
    }
    return this.finish({ kind: "record", entries, start: open.start, end: this.take().end });
  }
}
