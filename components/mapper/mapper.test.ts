import { describe, expect, test } from "vitest";
import type { Field } from "../../connectors/sdk/types.ts";
import { type FieldMapping, FieldMappingSchema } from "../../engine/mapping/field-mapping.ts";
import {
  asChain,
  asFormula,
  connect,
  itemOf,
  moveFunction,
  partsOf,
  putFunction,
  readFixed,
  removeFunction,
  tableOf,
} from "./mapping-edits.ts";
import { compileRules } from "./results.ts";
import { sampleFacts, valueAt } from "./sample-facts.ts";
import { nameFit, suggestByName, suggestFix, suggestFixed } from "./suggest.ts";

const field = (name: string, type: Field["type"] = "text", more: Partial<Field> = {}): Field => ({
  name,
  type,
  ...more,
});

describe("changing rules", () => {
  const rules: FieldMapping[] = [{ to: "customer", from: "name", apply: ["trim", "titleCase"] }];

  test("a new line keeps the functions, and takes the place of a formula", () => {
    expect(connect(rules, "customer_name", "customer")).toEqual([
      { to: "customer", from: "customer_name", apply: ["trim", "titleCase"] },
    ]);
    expect(connect([{ to: "net", formula: "1 + 1" }], "total", "net")).toEqual([{ to: "net", from: "total" }]);
    expect(connect(rules, "total", "net")).toHaveLength(2);
  });

  test("functions are added, moved, taken away; an empty chain leaves no trace", () => {
    const [rule] = rules as [FieldMapping];
    expect(putFunction(rule, "upper").apply).toEqual(["trim", "titleCase", "upper"]);
    expect(putFunction(rule, "upper", 0).apply).toEqual(["upper", "titleCase"]);
    expect(moveFunction(rule, 0, 1).apply).toEqual(["titleCase", "trim"]);
    expect(moveFunction(rule, 0, -1)).toBe(rule);
    expect(removeFunction(removeFunction(rule, 0), 0)).toEqual({ to: "customer", from: "name" });
  });

  test("every way to write a function is read", () => {
    expect(partsOf("trim")).toEqual({ fn: "trim", args: [] });
    expect(partsOf({ fn: "round", args: [2] })).toEqual({ fn: "round", args: [2] });
    expect(partsOf({ round: [2] })).toEqual({ fn: "round", args: [2] });
    expect(partsOf({ append: "!" })).toEqual({ fn: "append", args: ["!"] });
    expect(itemOf("trim", [])).toBe("trim");
  });

  test("a line with functions becomes its formula and comes back", () => {
    const rule: FieldMapping = { to: "n", from: "customer.name", apply: ["trim", { fn: "left", args: [3] }] };
    const formula = asFormula(rule);
    expect(formula).toEqual({ to: "n", formula: "LEFT(TRIM(customer.name), 3)" });
    expect(asChain(formula)).toEqual(rule);
    expect(asChain({ to: "n", formula: "a + b" })).toBeUndefined();
    for (const one of [rule, formula]) expect(FieldMappingSchema.safeParse(one).success).toBe(true);
  });

  test("a table keeps only pairs that say from what; fixed values take the target's type", () => {
    expect(
      tableOf([
        { from: "EURO", to: "EUR" },
        { from: "", to: "x" },
      ]),
    ).toEqual({ EURO: "EUR" });
    expect(tableOf([{ from: "", to: "" }])).toBeUndefined();
    expect([
      readFixed("12.5", "decimal"),
      readFixed("12,5", "decimal"),
      readFixed("true", "boolean"),
      readFixed("7", "text"),
    ]).toEqual([12.5, "12,5", true, "7"]);
  });
});

describe("what the samples say", () => {
  test("empty share, several date formats, both decimal separators", () => {
    expect(sampleFacts(["a", null, " ", undefined]).emptyShare).toBe(0.75);
    expect(sampleFacts(["2026-11-23", "23.11.2026", "11/23/2026"]).dateFormats).toEqual([
      "yyyy-MM-dd",
      "dd.MM.yyyy",
      "MM/dd/yyyy",
    ]);
    expect(sampleFacts(["23/11/2026"]).dateFormats).toEqual(["dd/MM/yyyy"]);
    expect(sampleFacts(["2026-11-23", "soon"]).dateFormats).toEqual([]);
    expect(sampleFacts(["12,50", "9.90"]).separators).toEqual([",", "."]);
  });

  test("a path finds its value in a nested record, a name with a point the field itself", () => {
    expect(valueAt({ customer: { name: "Ana" } }, "customer.name")).toBe("Ana");
    expect(valueAt({ "a.b": 1 }, "a.b")).toBe(1);
    expect(valueAt({ customer: null }, "customer.name")).toBeUndefined();
  });
});

describe("suggestions", () => {
  const named = (...names: [string, Field["type"]][]) =>
    names.map(([path, type]) => ({ path, field: field(path, type) }));

  test("names fit by letters, by words, by a word of meaning", () => {
    expect(nameFit("orderNo", "order_no")).toBe(3);
    expect(nameFit("order_no", "order number")).toBe(2);
    expect(nameFit("customer_name", "customer")).toBe(1);
    expect(nameFit("status", "currency")).toBe(0);
    expect(nameFit("customer_name", "product_name")).toBe(0);
  });

  test("the shop's orders find their places in the books' invoices, each once", () => {
    const sources = named(
      ["id", "integer"],
      ["order_no", "text"],
      ["customer_id", "integer"],
      ["customer_name", "text"],
      ["email", "text"],
      ["ordered_on", "text"],
      ["total", "text"],
      ["currency", "text"],
    );
    const targets = named(
      ["number", "text"],
      ["customer", "text"],
      ["email", "text"],
      ["issued_on", "date"],
      ["net", "decimal"],
      ["currency", "text"],
      ["note", "text"],
    );
    const pairs = Object.fromEntries(suggestByName(sources, targets, []).map(({ from, to }) => [to, from]));
    expect(pairs).toMatchObject({
      number: "order_no",
      customer: "customer_name",
      email: "email",
      currency: "currency",
      net: "total",
      issued_on: "ordered_on",
    });
    expect(pairs.note).toBeUndefined();
    expect(new Set(Object.values(pairs)).size).toBe(Object.keys(pairs).length);
  });

  test("what is mapped already is left alone", () => {
    expect(suggestByName(named(["email", "text"]), named(["email", "text"]), [{ to: "email", value: "x" }])).toEqual(
      [],
    );
  });

  test("a fixed value only where the target allows just one", () => {
    expect(suggestFixed({ options: ["EUR"] })).toBe("EUR");
    expect(suggestFixed({ options: ["EUR", "USD"] })).toBeUndefined();
  });

  test("a type that does not fit is mended as the samples are written", () => {
    const facts = sampleFacts(["12,50", "9.90"]);
    expect(suggestFix(field("total"), field("net", "decimal"), facts)).toEqual([
      { fn: "replace", args: [",", "."] },
      "number",
    ]);
    expect(suggestFix(field("total"), field("net", "decimal"), sampleFacts(["12,50"]))).toEqual([
      { fn: "number", args: [","] },
    ]);
    const dates = sampleFacts(["2026-11-23", "23.11.2026"]);
    expect(suggestFix(field("on"), field("on", "date"), dates)).toEqual([
      { fn: "parseDate", args: [["yyyy-MM-dd", "dd.MM.yyyy"]] },
    ]);
    expect(suggestFix(field("a"), field("b"), facts)).toBeUndefined();
  });
});

describe("results for a record", () => {
  const env = { now: new Date("2026-11-23T10:00:00Z"), timeZone: "UTC" };
  const input = [field("total"), field("name")];
  const target = (to: string) => (to === "net" ? field("net", "decimal", { precision: 12, scale: 2 }) : undefined);
  const run = (rule: FieldMapping, record: { [name: string]: string | null }) =>
    compileRules([rule], input, target)[0]!.run(record, env);

  test("each target has its value or its reason, apart from the others", () => {
    const rules: FieldMapping[] = [
      { to: "net", from: "total", apply: [{ fn: "number", args: [","] }] },
      { to: "who", from: "name", apply: ["trim"] },
    ];
    const [net, who] = compileRules(rules, input, target);
    expect(net!.run({ total: "12,50", name: " Ana " }, env)).toEqual({ ok: true, value: 12.5 });
    expect(net!.run({ total: "ten", name: " Ana " }, env).ok).toBe(false);
    expect(who!.run({ total: "ten", name: " Ana " }, env)).toEqual({ ok: true, value: "Ana" });
    expect(net!.reads).toEqual(["total"]);
  });

  test("a value the target would refuse is a reason before it is sent", () => {
    const result = run({ to: "net", from: "total" }, { total: "12,50" });
    expect(result.ok).toBe(false);
    expect(!result.ok && result.reason).toContain("12,50");
  });

  test("a broken formula never throws", () => {
    expect(run({ to: "x", formula: "TRIM(" }, { total: "1" }).ok).toBe(false);
  });
});
