import { describe, expect, test } from "vitest";
import { compileMapping } from "./compile-mapping.ts";
import type { Field, JsonRecord } from "./types.ts";

const env = { now: new Date("2026-11-23T10:00:00Z"), timeZone: "Europe/Berlin" };
const shape: Field[] = [
  { name: "customer_name", type: "text" },
  { name: "total", type: "decimal" },
  { name: "a.b", type: "text" },
];

describe("compileMapping", () => {
  test("maps a record, with nested targets, tables and exact numbers", () => {
    const mapping = compileMapping(
      [
        { to: "customer", from: "customer_name", apply: ["trim", "titleCase"] },
        { to: "total", formula: "ROUND(NUMBER(total) * 1.19, 2)" },
        { to: "currency", from: "cur", table: "currencies" },
        { to: "address.city", from: "city" },
        { to: "address.country", value: "AT" },
        { to: "copy", from: "total" },
      ],
      { tables: { currencies: { "€": "EUR" } } },
    );
    expect(mapping.problems).toEqual([]);
    expect(mapping.run({ customer_name: " ana HORVAT", total: "100.10", cur: "€", city: "Graz" }, env)).toEqual({
      ok: true,
      record: {
        customer: "Ana Horvat",
        total: 119.12,
        currency: "EUR",
        address: { city: "Graz", country: "AT" },
        copy: "100.10",
      },
    });
    expect(mapping.output.map(({ name, type }) => [name, type])).toEqual([
      ["customer", "text"],
      ["total", "decimal"],
      ["currency", "any"],
      ["address", "record"],
      ["copy", "any"],
    ]);
    expect(mapping.reads.slice(0, 2)).toEqual([["customer_name"], ["total"]]);
  });

  test("a record that does not pass says which field and why", () => {
    const mapping = compileMapping([{ to: "total", formula: "NUMBER(price)" }]);
    expect(mapping.run({ price: "12,50" }, env)).toEqual({
      ok: false,
      field: "total",
      code: "not_a_number",
      message: 'NUMBER: expected a number, found text "12,50"; say which separator it has: NUMBER(…, ",")',
    });
    expect(mapping.run({ prize: "1" }, env)).toMatchObject({ ok: false, code: "missing_field" });
  });

  test("problems name the target, the place and the remedy", () => {
    const mapping = compileMapping(
      [
        { to: "x", formula: "UPPER(custmer_name)" },
        { to: "y", from: "totl" },
        { to: "z", from: "total", apply: ["ruond"] },
        { to: "z", value: 1 },
        { to: "w", value: 1 },
        { to: "w.v", value: 1 },
        { to: "q", formula: "1 +" },
      ],
      { input: shape },
    );
    expect(mapping.problems.map(({ to, code, remedy, position }) => [to, code, remedy, position])).toEqual([
      ["x", "unknown_field", "Did you mean customer_name?", { start: 6, end: 18 }],
      ["y", "unknown_field", "Did you mean total?", undefined],
      ["z", "unknown_function", 'Did you mean "round"?', undefined],
      ["q", "syntax", "Correct the rule.", { start: 3, end: 3 }],
      ["z", "duplicate_target", "Remove one of the rules.", undefined],
      ["w.v", "duplicate_target", "Remove one of the rules.", undefined],
    ]);
    expect(mapping.run({ customer_name: "x", total: 1 }, env)).toMatchObject({
      ok: false,
      field: "x",
      code: "invalid_mapping",
    });
  });

  test("a field whose name holds a point is found when the shape has it", () => {
    const mapping = compileMapping([{ to: "c", from: "a.b" }], { input: shape });
    expect(mapping.problems).toEqual([]);
    expect(mapping.run({ "a.b": "found" }, env)).toEqual({ ok: true, record: { c: "found" } });
  });

  test("whenEmpty stands for blank text, NULL and a field the record lacks", () => {
    const { run } = compileMapping([{ to: "c", from: "a", whenEmpty: "none" }]);
    for (const record of [{ a: " " }, { a: null }, {}] as JsonRecord[])
      expect(run(record, env)).toEqual({ ok: true, record: { c: "none" } });
    expect(run({ a: 0 }, env)).toEqual({ ok: true, record: { c: 0 } });
  });

  test("a target called __proto__ is a field like any other", () => {
    const result = compileMapping([
      { to: "__proto__", value: 1 },
      { to: "constructor.x", value: 2 },
    ]).run({}, env);
    expect(JSON.stringify(result)).toBe('{"ok":true,"record":{"__proto__":1,"constructor":{"x":2}}}');
  });
});
