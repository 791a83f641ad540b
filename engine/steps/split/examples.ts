import type { StepExample } from "../define-step.ts";

const order = {
  id: 7,
  customer: "Ana",
  lines: [
    { sku: "A1", qty: 2 },
    { sku: "B2", qty: 1 },
  ],
};

export const examples: StepExample[] = [
  {
    title: "each line of an order becomes a record with the order's fields",
    step: { kind: "split", field: "lines", number: "line" },
    input: [order],
    out: {
      out: [
        { id: 7, customer: "Ana", sku: "A1", qty: 2, line: 1 },
        { id: 7, customer: "Ana", sku: "B2", qty: 1, line: 2 },
      ],
    },
  },
  {
    title: "items can stand under a name of their own, beside chosen fields only",
    step: { kind: "split", field: "lines", as: "line", keep: ["id"] },
    input: [order],
    out: {
      out: [
        { id: 7, line: { sku: "A1", qty: 2 } },
        { id: 7, line: { sku: "B2", qty: 1 } },
      ],
    },
  },
  {
    title: "lists of texts or numbers need a name for the item",
    step: { kind: "split", field: "order.tags", as: "tag" },
    input: [{ order: { id: 7, tags: ["new", "gift"] } }],
    out: {
      out: [
        { order: { id: 7 }, tag: "new" },
        { order: { id: 7 }, tag: "gift" },
      ],
    },
  },
  {
    title: "without a name they are a dead letter, as is what is no list",
    step: { kind: "split", field: "lines" },
    input: [{ lines: ["A1"] }, { lines: "A1" }],
    out: { out: [] },
    ended: [
      { outcome: "dead", code: "split-not-a-record", field: "lines" },
      { outcome: "dead", code: "split-not-a-list", field: "lines" },
    ],
  },
  {
    title: "a record without items is filtered",
    step: { kind: "split", field: "lines" },
    input: [{ id: 8, lines: [] }, { id: 9 }, order],
    out: {
      out: [
        { id: 7, customer: "Ana", sku: "A1", qty: 2 },
        { id: 7, customer: "Ana", sku: "B2", qty: 1 },
      ],
    },
    ended: [{ outcome: "filtered" }, { outcome: "filtered" }],
  },
  {
    title: "or passes without an item",
    step: { kind: "split", field: "lines", as: "line", emptyList: "pass" },
    input: [{ id: 8, lines: [] }],
    out: { out: [{ id: 8, line: null }] },
  },
  {
    title: "or is a dead letter",
    step: { kind: "split", field: "lines", emptyList: "dead" },
    input: [{ id: 8, lines: null }],
    out: { out: [] },
    ended: [{ outcome: "dead", code: "split-empty-list", field: "lines" }],
  },
];
