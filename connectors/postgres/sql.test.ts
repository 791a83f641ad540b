import fc from "fast-check";
import { expect, test } from "vitest";
import { parseArray } from "./arrays.ts";
import { arrayParameter } from "./sql.ts";

test("an array parameter holds the values of the chosen rows, in their order", () => {
  const value = fc.oneof(fc.string(), fc.constantFrom(null, "", "NULL", 'say "x"', "a\\b", "{1,2}", ",", " "));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 12 }), (values) => {
      const rows = values.map((_, at) => values.length - 1 - at);
      expect(parseArray(arrayParameter(values, rows, false), (text) => text)).toEqual([...values].reverse());
    }),
  );
});

test("values that need no quotes stand bare", () => {
  expect(arrayParameter(["1", null, "-2.50"], [0, 1, 2], true)).toBe("{1,NULL,-2.50}");
  expect(arrayParameter(["1", null], [0], true)).toBe("{1}");
  expect(arrayParameter([], [], true)).toBe("{}");
  expect(arrayParameter([], [], false)).toBe("{}");
});
