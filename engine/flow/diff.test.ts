import { describe, expect, it } from "vitest";
import { diffFlows } from "./diff.ts";
import { parseFlow } from "./read-draft.ts";
import { checkOrders, mapInvoice, readOrders, sampleDocument, writeInvoices } from "./testing.ts";

function flowOf(parts: { [name: string]: unknown } = {}) {
  const parsed = parseFlow(sampleDocument(parts));
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("\n"));
  return parsed.flow;
}

function changes(parts: { [name: string]: unknown }): string[] {
  return diffFlows(flowOf(), flowOf(parts)).map(({ what }) => what);
}

describe("the difference of two flows", () => {
  it("is nothing when only the layout differs", () => {
    expect(changes({ layout: { orders: [9, 9] } })).toEqual([]);
  });

  it("names steps added, removed and changed, and the links", () => {
    const filter = { id: "big", kind: "filter", where: "total > 5" };
    const steps = [readOrders, filter, mapInvoice, { ...writeInvoices, title: "Books", operation: "insert" }];
    const links = [
      { from: "orders", to: "big" },
      { from: "big", to: "invoice" },
      { from: "invoice", to: "books" },
    ];
    expect(changes({ steps, links })).toEqual([
      "Step “check” removed.",
      "Step “big” added.",
      "Step “Books” (books): operation changed from “upsert” to “insert”.",
      "Step “Books” (books): title set to “Books”.",
      "Link orders → check removed.",
      "Link check → invoice removed.",
      "Link orders → big added.",
      "Link big → invoice added.",
    ]);
  });

  it("names the field mapping or rule that changed", () => {
    const fields = [...mapInvoice.fields.slice(0, 2), { to: "total", formula: "total" }, { to: "paid", value: true }];
    const rules = [...checkOrders.rules].reverse();
    expect(
      changes({ steps: [readOrders, { ...checkOrders, rules }, { ...mapInvoice, fields }, writeInvoices] }),
    ).toEqual([
      "Step “check”: rule: the order changed.",
      "Step “invoice”: field “currency” removed.",
      "Step “invoice”: field “total” changed.",
      "Step “invoice”: field “paid” added.",
    ]);
  });

  it("names settings and the brief", () => {
    const { settings, brief } = flowOf();
    expect(
      changes({
        name: "Orders",
        settings: { ...settings, retry: { attempts: 3 }, pageSize: 500 },
        brief: { ...brief, timing: "daily" },
      }),
    ).toEqual([
      "Name changed from “Shop orders to accounting” to “Orders”.",
      "Brief: timing changed from “real-time” to “daily”.",
      "Settings: retry.attempts changed from 8 to 3.",
      "Settings: retry.for removed, it was “24h”.",
      "Settings: pageSize set to 500.",
    ]);
  });

  it("says of each change what kind it is and which step it is about", () => {
    expect(
      diffFlows(flowOf(), flowOf({ steps: [readOrders, checkOrders, mapInvoice], links: flowOf().links.slice(0, 2) })),
    ).toEqual([
      { kind: "removed", step: "books", what: "Step “books” removed." },
      { kind: "removed", what: "Link invoice → books removed." },
    ]);
  });
});
