import { describe, expect, it } from "vitest";
import { parseFlow } from "./read-draft.ts";
import { sampleDocument } from "./testing.ts";
import { flowToYaml, parseFlowText } from "./text.ts";

/** The document as DESIGN §3 writes it. */
const DESIGN = `
format: plumbline/1
name: Shop orders to accounting
brief: { moves: paid orders, direction: one-way, timing: real-time, onFailure: dead letter, owner: ana@example.com, rollback: undo }   # all six
assumptions: [ { text: "Order numbers are never reused", by: ana@example.com, on: 2026-11-23 } ]
steps:
  - { id: orders,  kind: read,  connection: shop,  stream: orders, sync: incremental, watermark: updated_at, every: 5m }
  - { id: check,   kind: check, rules: [ { field: email, is: email }, { field: total, is: number, min: 0 } ], otherwise: dead }
  - { id: invoice, kind: map,   fields: [ { to: customer, from: customer_name, apply: [trim, titleCase] },
                                          { to: total, formula: "ROUND(NUMBER(total) * 1.19, 2)" }, { to: currency, value: EUR } ] }
  - { id: books,   kind: write, connection: books, sink: invoices, operation: upsert, match: [external_id] }
links: [ { from: orders, to: check }, { from: check, to: invoice }, { from: invoice, to: books } ]
settings: { retry: { attempts: 8, for: 24h }, order: by-key, stopAt: { dead: 20% } }
layout: { orders: [0, 0], check: [200, 0] }
`;

describe("a flow as text", () => {
  it("is read as DESIGN §3 writes it", () => {
    const parsed = parseFlowText(DESIGN);
    expect(parsed).toMatchObject({
      ok: true,
      flow: { name: "Shop orders to accounting", settings: { stopAt: { dead: "20%" } } },
    });
    expect(parsed.ok && parsed.flow.assumptions?.[0]?.on).toBe("2026-11-23");
  });

  it("may be JSON", () => {
    const parsed = parseFlowText(JSON.stringify(sampleDocument()));
    expect(parsed.ok && parsed.flow).toEqual(sampleDocument());
  });

  it("goes out as YAML and comes back the same, always with the same text", () => {
    const parsed = parseFlow(sampleDocument({ name: "yes: [no] # 12 \n second" }));
    if (!parsed.ok) throw new Error("The sample must be valid.");
    const yaml = flowToYaml(parsed.flow);
    expect(parseFlowText(yaml)).toEqual(parsed);
    const again = parseFlowText(yaml);
    expect(again.ok && flowToYaml(again.flow)).toBe(yaml);
  });

  it("is written with one line per rule, field and link", () => {
    const parsed = parseFlowText(DESIGN);
    const yaml = parsed.ok ? flowToYaml(parsed.flow) : "";
    expect(yaml).toContain("    rules:\n      - { field: email, is: email }\n");
    expect(yaml).toContain("  - { from: orders, to: check }\n");
    expect(yaml.indexOf("format:")).toBe(0);
    expect(yaml.indexOf("steps:")).toBeLessThan(yaml.indexOf("links:"));
  });

  it.each(["&a [*a, *a]", "steps: &s [{ id: r, more: *s }]"])("that refers to itself is refused: %s", (text) => {
    expect(parseFlowText(text)).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining("refers to itself") }],
    });
  });

  it.each([
    ["name: [a, b\nsteps: 7", /line 2, column/],
    ['{ "name": "x", "steps": [ }', /line 1, column/],
    ["a: 1\na: 2", /line 2, column 1/],
  ])("that cannot be read names line and column: %j", (text, place) => {
    const parsed = parseFlowText(text);
    expect(parsed.ok).toBe(false);
    expect(!parsed.ok && parsed.problems[0]?.message).toMatch(place);
  });

  it("cannot be blown up by references", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]`;
    const parsed = parseFlowText(bomb);
    expect(!parsed.ok && parsed.problems[0]?.message).toContain("expected JSON or YAML");
  });
});
