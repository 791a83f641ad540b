/**
 * Cuts text into rows (RFC 4180, and what real files do instead): quoted delimiters and line breaks, doubled quotes,
 * LF, CRLF or CR. A quote inside an unquoted value is data. Text comes in chunks; memory holds one row beyond a chunk.
 */
import { IntegrationError, quote as quoted } from "../sdk/errors.ts";

export type Dialect = { delimiter: string; quote: string | null; lineEnd: "\n" | "\r\n" | "\r" };

export type Row = {
  values: string[];
  /** number of its first line, counted from 1 */
  line: number;
  /** number of the line after it */
  nextLine: number;
  /** the row as it stands in the file, with its line end */
  raw: string;
  /** text stood after a closing quote */
  badQuote?: boolean;
};

/** longest row in characters; beyond it a quote was surely never closed */
const longestRow = 16 * 1024 * 1024;

export class Scanner {
  readonly #file: string;
  readonly #dialect: Dialect;
  readonly #break: string;
  #text = "";
  #at = 0;
  #ended = false;
  #tail = "";
  line: number;

  constructor(file: string, dialect: Dialect, line = 1) {
    this.#file = file;
    this.#dialect = dialect;
    this.#break = dialect.lineEnd === "\r" ? "\r" : "\n";
    this.line = line;
  }

  push(text: string): void {
    this.#text = this.#text.slice(this.#at) + text;
    this.#at = 0;
  }

  end(): void {
    this.#ended = true;
  }

  /** The next whole row; undefined when more text is needed or none is left. Blank lines are passed over. */
  next(): Row | undefined {
    for (;;) {
      const start = this.#at;
      const line = this.line;
      const row = this.#row();
      if (row === undefined) {
        this.#at = start;
        this.line = line;
        if (this.#text.length - start > longestRow) throw this.#unclosed(line);
        return undefined;
      }
      const raw = this.#tail + this.#text.slice(start, this.#at);
      const blank = row.values.length === 1 && row.values[0] === "" && !row.quoted;
      this.#tail = blank ? raw : ""; // a blank line stays with the row after it, so that offsets and rewrites keep it
      if (!blank)
        return { values: row.values, line, nextLine: this.line, raw, ...(row.badQuote && { badQuote: true }) };
    }
  }

  /** What is left after the last row: blank lines. */
  get rest(): string {
    return this.#tail + this.#text.slice(this.#at);
  }

  #row(): { values: string[]; quoted?: boolean; badQuote?: boolean } | undefined {
    const { delimiter, quote } = this.#dialect;
    const end = this.#text.indexOf(this.#break, this.#at);
    if (end < 0 && (!this.#ended || this.#at >= this.#text.length)) return undefined;
    const stop = end < 0 ? this.#text.length : end;
    const cr = this.#break === "\n" && end > this.#at && this.#text.charCodeAt(end - 1) === 13 ? 1 : 0;
    const line = this.#text.slice(this.#at, stop - cr);
    if (quote === null || !line.includes(quote)) {
      this.#at = stop + (end < 0 ? 0 : 1);
      this.line++;
      return { values: line.split(delimiter) };
    }
    return this.#quotedRow(quote);
  }

  /** Value by value, for rows with a quote in them. */
  #quotedRow(quote: string): { values: string[]; quoted: boolean; badQuote?: boolean } | undefined {
    const { delimiter } = this.#dialect;
    const text = this.#text;
    const values: string[] = [];
    let at = this.#at;
    let lines = 0;
    let badQuote = false;
    for (;;) {
      let value = "";
      const isQuoted = text[at] === quote;
      if (isQuoted) {
        const opened = this.line + lines;
        for (at++; ; ) {
          const close = text.indexOf(quote, at);
          if (close < 0) {
            if (this.#ended) throw this.#unclosed(opened);
            return undefined;
          }
          value += text.slice(at, close);
          at = close + 1;
          if (text[at] === quote) {
            value += quote;
            at++;
          } else break;
        }
        // The character after the quote decides, and may lie in the next chunk.
        if (at + 1 >= text.length && !this.#ended) return undefined;
        lines += count(value, this.#break);
      }
      const [stop, next] = this.#valueEnd(at);
      if (stop < 0) return undefined;
      const more = text.slice(at, stop);
      badQuote ||= isQuoted && more !== "";
      values.push(value + more);
      at = next;
      if (text.startsWith(delimiter, stop) && stop < text.length) continue;
      this.#at = at;
      this.line += lines + 1;
      return { values, quoted: true, ...(badQuote && { badQuote }) };
    }
  }

  /** Where the value that goes on at `at` ends, and where the next begins; -1 when more text is needed. */
  #valueEnd(at: number): [number, number] {
    const { delimiter } = this.#dialect;
    const byDelimiter = this.#text.indexOf(delimiter, at);
    const byLine = this.#text.indexOf(this.#break, at);
    if (byDelimiter >= 0 && (byLine < 0 || byDelimiter < byLine)) return [byDelimiter, byDelimiter + delimiter.length];
    if (byLine < 0) return this.#ended ? [this.#text.length, this.#text.length] : [-1, -1];
    const cr = this.#break === "\n" && byLine > at && this.#text.charCodeAt(byLine - 1) === 13 ? 1 : 0;
    return [byLine - cr, byLine + 1];
  }

  #unclosed(line: number): IntegrationError {
    return new IntegrationError(
      `File ${quoted(this.#file)}: the quote opened in line ${line} is never closed. Close it, double quotes that are part of a value, or set "Quotes" to none.`,
      { kind: "settings", code: "unclosed-quote" },
    );
  }
}

const count = (text: string, part: string) => {
  let found = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found++;
  return found;
};

/** A value as it is written: quoted when it must be, so that reading gives the same value back. */
export function writtenRow(values: string[], { delimiter, quote, lineEnd }: Dialect): string {
  const mark = quote ?? '"';
  const written = values.map((value) =>
    value.includes(delimiter) || value.includes(mark) || /[\r\n]/.test(value) || /^\s|\s$/.test(value)
      ? mark + value.replaceAll(mark, mark + mark) + mark
      : value,
  );
  const row = written.join(delimiter);
  return (row === "" ? mark + mark : row) + lineEnd; // an empty line would be no row
}
