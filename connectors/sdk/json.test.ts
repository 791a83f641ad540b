import { expect, it } from "vitest";
import { parseJson, valueAt } from "./json.ts";

it("keeps every digit of numbers that a JS number would change, as text", () => {
  expect(
    parseJson(
      '{"id": 1234567890123456789, "deep": [{"n": -9007199254740993, "d": 0.12345678901234567890}], "huge": 1e400, "tiny": 1e-400}',
    ),
  ).toEqual({
    id: "1234567890123456789",
    deep: [{ n: "-9007199254740993", d: "0.12345678901234567890" }],
    huge: "1e400",
    tiny: "1e-400",
  });
});

it("leaves other numbers numbers, and text text", () => {
  const plain = { a: 9007199254740991, b: 0.1, c: 12.5, d: "1234567890123456789", e: 1e21, f: 0, g: 1e300 };
  expect(parseJson(JSON.stringify(plain))).toEqual(plain);
  expect(parseJson('[0e100, -0.0, "1e400"]')).toEqual([0, -0, "1e400"]);
});

it("counts the digits on both sides of the point", () => {
  expect(parseJson("[90071992547409.93, 123456789.123456789, 90071992547409.5]")).toEqual([
    "90071992547409.93",
    "123456789.123456789",
    90071992547409.5,
  ]);
});

it("finds what a path names, also under a name with dots of its own", () => {
  const answer = {
    "@odata.nextLink": "Partners?$skiptoken=50",
    "meta.v1": { "page.next": "p2" },
    data: { items: [{ id: 1 }, { id: 2 }] },
    "data.items": "not this one",
  };
  expect(valueAt(answer, "@odata.nextLink")).toBe("Partners?$skiptoken=50");
  expect(valueAt(answer, "meta.v1.page.next")).toBe("p2");
  expect(valueAt(answer, "data.items.-1.id")).toBe(2);
  expect(valueAt(answer, "data.items")).toEqual([{ id: 1 }, { id: 2 }]);
  expect(valueAt(answer, "@odata.count")).toBeUndefined();
  expect(valueAt(answer, "data.toString")).toBeUndefined();
});
