import { expect, test } from "vitest";
import type { Flow } from "../../engine/flow/schema.ts";
import { documentInto, documentUpTo } from "./preview-document.ts";

const flow: Flow = {
  format: "plumbline/1",
  name: "Orders",
  brief: { moves: "orders" },
  steps: [
    { id: "orders", title: "Orders", kind: "read", connection: "Shop", stream: "orders" },
    { id: "map", kind: "map", fields: [{ to: "a", from: "b" }] },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "insert" },
  ],
  links: [
    { from: "orders", to: "map" },
    { from: "map", to: "books" },
  ],
  layout: { orders: [0, 0] },
};

test("a preview depends on what feeds the step, not on titles, positions or what comes after", () => {
  const asked = documentUpTo(flow, "map");
  expect(asked.steps.map(({ id }) => id)).toEqual(["orders", "map"]);
  expect(asked.links).toEqual([{ from: "orders", to: "map" }]);
  const other: Flow = {
    ...flow,
    layout: { orders: [9, 9] },
    brief: {},
    name: "B",
    steps: flow.steps.with(2, { ...flow.steps[2]!, title: "X" }),
  };
  expect(documentUpTo(other, "map")).toEqual(asked);
});

test("what enters a map does not depend on its rules", () => {
  const edited: Flow = { ...flow, steps: flow.steps.with(1, { id: "map", kind: "map", fields: [] }) };
  expect(documentInto(edited, "map")).toEqual(documentInto(flow, "map"));
});
