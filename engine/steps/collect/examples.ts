import type { StepExample } from "../define-step.ts";

const lines = [
  { order: 7, sku: "A1", qty: 2, price: 1.1, shipped: "2026-11-02" },
  { order: 7, sku: "B2", qty: 1, price: 0.7, shipped: null },
  { order: 7, sku: "A1", qty: 3, price: 1.1, shipped: "2026-11-01" },
];
/** the parts of one record, as a split made them */
const oneOrder = [0, 0, 0];

export const examples: StepExample[] = [
  {
    title: "the lines of an order become one record again, with totals",
    step: {
      kind: "collect",
      by: ["order"],
      fields: [
        { to: "lines", take: "count" },
        { to: "pieces", take: "sum", from: "qty" },
        { to: "total", formula: "SUM(items.qty * items.price)" },
        { to: "skus", take: "list", from: "sku" },
      ],
    },
    input: lines,
    origins: oneOrder,
    out: { out: [{ order: 7, lines: 3, pieces: 6, total: 6.2, skus: ["A1", "B2", "A1"] }] },
  },
  {
    title: "one record for each product of the order; empty values are left out of least and greatest",
    step: {
      kind: "collect",
      by: ["order", "sku"],
      fields: [
        { to: "qty", take: "sum", from: "qty" },
        { to: "shipped.first", take: "min", from: "shipped" },
        { to: "shipped.last", take: "max", from: "shipped" },
        { to: "price", take: "first", from: "price" },
        { to: "latest", take: "last", from: "qty" },
      ],
    },
    input: lines,
    origins: oneOrder,
    out: {
      out: [
        { order: 7, sku: "A1", qty: 5, shipped: { first: "2026-11-01", last: "2026-11-02" }, price: 1.1, latest: 3 },
        { order: 7, sku: "B2", qty: 1, shipped: { first: null, last: null }, price: 0.7, latest: 1 },
      ],
    },
  },
  {
    title: "records that are not parts of one another stay apart, unless it collects over the run",
    step: { kind: "collect", by: ["sku"], fields: [{ to: "qty", take: "sum", from: "qty" }] },
    input: lines,
    out: {
      out: [
        { sku: "A1", qty: 2 },
        { sku: "B2", qty: 1 },
        { sku: "A1", qty: 3 },
      ],
    },
  },
  {
    title: "a group that cannot be computed makes dead letters of all its records",
    step: { kind: "collect", by: ["order"], fields: [{ to: "qty", take: "sum", from: "qty" }] },
    input: [
      { order: 1, qty: 1 },
      { order: 1, qty: "two" },
    ],
    origins: [0, 0],
    out: { out: [] },
    ended: [
      { outcome: "dead", code: "not-a-number", field: "qty" },
      { outcome: "dead", code: "not-a-number", field: "qty" },
    ],
  },
];
