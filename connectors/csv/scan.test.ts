import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Dialect, type Row, Scanner, writtenRow } from "./scan.ts";

const plain: Dialect = { delimiter: ",", quote: '"', lineEnd: "\n" };

function rows(chunks: string[], dialect = plain): Row[] {
  const scanner = new Scanner("x.csv", dialect);
  const found: Row[] = [];
  const drain = () => {
    for (let row = scanner.next(); row; row = scanner.next()) found.push(row);
  };
  for (const chunk of chunks) {
    scanner.push(chunk);
    drain();
  }
  scanner.end();
  drain();
  return found;
}

const value = fc.string({ unit: fc.constantFrom("a", "b", " ", '"', ",", ";", "\n", "\r\n", "é", "🚀"), maxLength: 6 });
const table = fc.array(fc.array(value, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 8 });

describe("scanning rows", () => {
  it("gives back what was written, however the text is cut into chunks", () => {
    fc.assert(
      fc.property(
        table,
        fc.array(fc.nat(60), { maxLength: 5 }),
        fc.constantFrom<Dialect["lineEnd"]>("\n", "\r\n"),
        (values, cuts, lineEnd) => {
          const dialect = { ...plain, lineEnd };
          const text = values.map((row) => writtenRow(row, dialect)).join("");
          const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
          const found = rows(
            places.slice(1).map((end, index) => text.slice(places[index], end)),
            dialect,
          );
          expect(found.map((row) => row.values)).toEqual(values);
          expect(found.map((row) => row.raw).join("")).toBe(text);
        },
      ),
    );
  });

  it("reads like csv-parse what other programs write", () => {
    const cell = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", " ", "'", "é"), maxLength: 4 }),
      value.map((text) => `"${text.replaceAll('"', '""')}"`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 }), fc.boolean(), (cells, last) => {
        const text = cells.map((row) => row.join(",")).join("\n") + (last ? "\n" : "");
        expect(rows([text]).map((row) => row.values)).toEqual(
          parse(text, { relax_column_count: true, record_delimiter: ["\n", "\r\n"] }),
        );
      }),
    );
  });

  it("takes LF, CRLF and CR as line ends", () => {
    for (const lineEnd of ["\n", "\r\n", "\r"] as const) {
      const found = rows([["a,b", '1,"x', 'y"', "2,z", ""].join(lineEnd)], { ...plain, lineEnd });
      expect(found.map((row) => row.values)).toEqual([
        ["a", "b"],
        ["1", `x${lineEnd}y`],
        ["2", "z"],
      ]);
      expect(found.map((row) => row.line)).toEqual([1, 2, 4]);
    }
  });

  it("passes over blank lines but keeps them in the text of the next row", () => {
    const found = rows(["a,b\n\n", "\n1,2\n\n"]);
    expect(found.map(({ line, nextLine, raw }) => ({ line, nextLine, raw }))).toEqual([
      { line: 1, nextLine: 2, raw: "a,b\n" },
      { line: 4, nextLine: 5, raw: "\n\n1,2\n" },
    ]);
  });

  it("takes a quote inside a value as data, and marks text after a closing quote", () => {
    expect(rows(["a,36°36'37.8\"N\n"])[0]!.values).toEqual(["a", "36°36'37.8\"N"]);
    expect(rows(['"a"b,c\n'])[0]).toMatchObject({ badQuote: true });
  });

  it("names the line where a quote was opened that is never closed", () => {
    expect(() => rows(['a,b\n1,"x\n2,y\n3,z\n'])).toThrow(/quote opened in line 2 is never closed/);
    expect(() => rows(['a,b\n"1\n1","x\n2,y\n'])).toThrow(/quote opened in line 3/);
  });

  it("writes an empty single value as a row that can be read", () => {
    expect(rows([writtenRow([""], plain)]).map((row) => row.values)).toEqual([[""]]);
  });
});
