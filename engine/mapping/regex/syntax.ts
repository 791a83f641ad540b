/** A regular expression taken apart. `source` is the same in strict JavaScript syntax (flag `u`). */
export type RegexNode =
  | { kind: "character"; source: string }
  | { kind: "assert"; source: "^" | "$" | "\\b" | "\\B" }
  | { kind: "sequence"; parts: RegexNode[] }
  | { kind: "choice"; options: RegexNode[] }
  | { kind: "group"; body: RegexNode; capture: number | undefined }
  | { kind: "repeat"; body: RegexNode; least: number; most: number; lazy: boolean };

export interface RegexSyntax {
  root: RegexNode;
  captures: number;
  ignoreCase: boolean;
}

/** Why a pattern cannot be used; the caller words it. */
export class RegexSyntaxError extends Error {}

const MOST_REPEATS = 1000;
const DEEPEST = 100;

/**
 * Reads the common part of all regular expressions: characters, classes, groups, choices, repeats, ^ $ \b. As in the
 * spreadsheets' engine (RE2) there is no look-around and no back reference, so matching can always be bounded in time.
 */
export function parseRegex(pattern: string): RegexSyntax {
  const ignoreCase = pattern.startsWith("(?i)");
  const parser = new RegexParser(ignoreCase ? pattern.slice(4) : pattern);
  return { root: parser.parse(), captures: parser.captures, ignoreCase };
}

class RegexParser {
  captures = 0;
  private at = 0;
  private depth = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  parse(): RegexNode {
    const node = this.choice();
    if (this.at < this.text.length) throw new RegexSyntaxError(`")" at ${this.at + 1} has no "("`);
    return node;
  }

  private choice(): RegexNode {
    this.depth += 1;
    if (this.depth > DEEPEST) throw new RegexSyntaxError("it is nested too deeply");
    const options = [this.sequence()];
    while (this.text[this.at] === "|") {
      this.at += 1;
      options.push(this.sequence());
    }
    this.depth -= 1;
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  private sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.at < this.text.length && this.text[this.at] !== "|" && this.text[this.at] !== ")")
      parts.push(this.repeated());
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  private repeated(): RegexNode {
    const body = this.atom();
    const match = /(?:([*+?])|\{(\d{1,6})(,?)(\d{0,6})\})(\??)/y;
    match.lastIndex = this.at;
    const found = match.exec(this.text);
    if (!found) return body;
    this.at = match.lastIndex;
    if (body.kind === "assert") throw new RegexSyntaxError(`nothing to repeat before ${found[0]}`);
    if (/[*+?{]/.test(this.text[this.at] ?? ""))
      throw new RegexSyntaxError(`one repeat directly after another at ${this.at + 1}`);
    const [, sign, from, comma, to, lazy] = found;
    const least = sign ? (sign === "+" ? 1 : 0) : Number(from);
    const most = sign
      ? sign === "?"
        ? 1
        : Number.POSITIVE_INFINITY
      : comma
        ? to
          ? Number(to)
          : Number.POSITIVE_INFINITY
        : least;
    if (most < least) throw new RegexSyntaxError(`the numbers in ${found[0]} are in the wrong order`);
    if (least > MOST_REPEATS || (most !== Number.POSITIVE_INFINITY && most > MOST_REPEATS)) {
      throw new RegexSyntaxError(`${found[0]} repeats more than ${MOST_REPEATS} times`);
    }
    return { kind: "repeat", body, least, most, lazy: lazy === "?" };
  }

  private atom(): RegexNode {
    const character = String.fromCodePoint(this.text.codePointAt(this.at)!);
    if (character === "(") return this.group();
    if (character === "[") return { kind: "character", source: this.class() };
    if (character === "\\") return this.escape();
    this.at += character.length;
    if (character === "^" || character === "$") return { kind: "assert", source: character };
    if (character === "*" || character === "+" || character === "?")
      throw new RegexSyntaxError(`nothing to repeat before ${character} at ${this.at}`);
    if (character === ".") return { kind: "character", source: "." };
    return { kind: "character", source: /[{}\]/]/.test(character) ? `\\${character}` : character };
  }

  private group(): RegexNode {
    const open = this.at + 1;
    this.at += 1;
    const kind = /\?(?:([:])|<[A-Za-z_]\w*>|P<[A-Za-z_]\w*>)/y;
    kind.lastIndex = this.at;
    const found = kind.exec(this.text);
    let capture: number | undefined;
    if (found) this.at = kind.lastIndex;
    else if (this.text[this.at] === "?")
      throw new RegexSyntaxError(
        `look-around and other special groups such as "(${this.text.slice(this.at, this.at + 2)}" are not allowed`,
      );
    if (!found?.[1]) {
      this.captures += 1;
      capture = this.captures;
    }
    const body = this.choice();
    if (this.text[this.at] !== ")") throw new RegexSyntaxError(`"(" at ${open} is never closed`);
    this.at += 1;
    return { kind: "group", body, capture };
  }

  private escape(): RegexNode {
    const next = this.text[this.at + 1];
    if (next === "b" || next === "B") {
      this.at += 2;
      return { kind: "assert", source: next === "b" ? "\\b" : "\\B" };
    }
    return { kind: "character", source: this.escapedCharacter(false) };
  }

  /** One escaped character or set, in strict syntax. */
  private escapedCharacter(inClass: boolean): string {
    const pattern = /\\(?:([dDwWsStnrfv])|([pP]\{[\w=]+\})|(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})|([^A-Za-z0-9\s])|(.?))/suy;
    pattern.lastIndex = this.at;
    const [all, set, property, code, mark, other] = pattern.exec(this.text)!;
    this.at = pattern.lastIndex;
    if (set ?? property ?? code) return all;
    if (mark !== undefined) return /[\^$\\.*+?()[\]{}|/]/.test(mark) || (inClass && mark === "-") ? `\\${mark}` : mark;
    if (other === "") throw new RegexSyntaxError("a backslash at the end means nothing");
    if (/[1-9k]/.test(other!)) throw new RegexSyntaxError(`back references such as ${all} are not allowed`);
    throw new RegexSyntaxError(`${all} means nothing`);
  }

  private class(): string {
    const open = this.at + 1;
    let source = "[";
    this.at += 1;
    if (this.text[this.at] === "^") {
      source += "^";
      this.at += 1;
    }
    for (let first = true; ; first = false) {
      if (this.at >= this.text.length) throw new RegexSyntaxError(`"[" at ${open} is never closed`);
      const character = String.fromCodePoint(this.text.codePointAt(this.at)!);
      if (character === "]" && !first) break;
      if (character === "\\") {
        source += this.escapedCharacter(true);
        continue;
      }
      this.at += character.length;
      source += /[[\](){}/|]/.test(character) ? `\\${character}` : character;
    }
    this.at += 1;
    return `${source}]`;
  }
}

/** The tree in strict JavaScript syntax. */
export function writeRegex(node: RegexNode): string {
  switch (node.kind) {
    case "character":
    case "assert":
      return node.source;
    case "sequence":
      return node.parts.map(writeRegex).join("");
    case "choice":
      return node.options.map(writeRegex).join("|");
    case "group":
      return `(${node.capture === undefined ? "?:" : ""}${writeRegex(node.body)})`;
    case "repeat": {
      const { least, most, lazy } = node;
      const range = most === Number.POSITIVE_INFINITY ? `{${least},}` : `{${least},${most}}`;
      return `${writeRegex(node.body)}${range}${lazy ? "?" : ""}`;
    }
  }
}
