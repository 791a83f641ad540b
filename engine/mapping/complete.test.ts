import { expect, test } from "vitest";
import { formulaHelp, functionCatalogue } from "./catalogue.ts";
import { completeAt } from "./complete.ts";
import type { Field } from "./types.ts";

const shape: Field[] = [
  { name: "total", type: "decimal" },
  { name: "Unit price", type: "decimal" },
  {
    name: "customer",
    type: "record",
    fields: [
      { name: "name", type: "text" },
      { name: "First name", type: "text" },
    ],
  },
  { name: "lines", type: "list", fields: [{ name: "sku", type: "text" }] },
];
/** `|` is the caret. */
const labels = (formula: string) =>
  completeAt(formula.replace("|", ""), formula.indexOf("|"), shape).items.map((item) => item.insert);

test("fields and functions that begin with what is typed come first", () => {
  expect(labels("to|")[0]).toBe("total");
  expect(labels("UPP|")[0]).toBe("UPPER(");
  expect(labels("ROUND(Uni|, 2)")[0]).toBe("[Unit price]");
  expect(completeAt("ROUND(tot)", 9, shape)).toMatchObject({ from: 6, to: 9 });
});

test("after a point come the fields of that record or list, and of a LAMBDA's item", () => {
  expect(labels("customer.|")).toEqual(["name", "[First name]"]);
  expect(labels("customer.na|")).toEqual(["name", "[First name]"]);
  expect(labels("MAP(lines, LAMBDA(l, l.|")).toEqual(["sku"]);
  expect(labels("MAP(lines, LAMBDA(item, it|")).toContain("item");
});

test("nothing is offered inside a text or a number", () => {
  expect(labels('"to|"')).toEqual([]);
  expect(labels("12|")).toEqual([]);
});

test("help is plain data", () => {
  expect(JSON.parse(JSON.stringify(formulaHelp()))).toMatchObject({
    functions: expect.arrayContaining([expect.objectContaining({ name: "TRIM", chain: "trim" })]),
  });
  expect(functionCatalogue.find(({ name }) => name === "ROUND")?.signature).toBe("ROUND(number, [digits])");
});
