import type { StepExample } from "../define-step.ts";

const ana = { id: 1, email: "ana@example.com", total: "12.50" };
const ben = { id: 2, email: "ben@example", total: 7 };
const eva = { id: 3, email: null, total: "12,50" };

export const examples: StepExample[] = [
  {
    title: "records with a bad e-mail address or price become dead letters",
    step: {
      kind: "check",
      rules: [
        { field: "email", is: "email" },
        { field: "total", is: "number", min: 0 },
      ],
    },
    input: [ana, ben, eva],
    out: { out: [ana] },
    ended: [
      { outcome: "dead", code: "check-type", field: "email" },
      { outcome: "dead", code: "check-empty", field: "email" },
    ],
  },
  {
    title: "an optional field may be empty, and must be right when it is not",
    step: { kind: "check", rules: [{ field: "email", is: "email", optional: true }] },
    input: [ana, ben, eva],
    out: { out: [ana, eva] },
    ended: [{ outcome: "dead", code: "check-type", field: "email" }],
  },
  {
    title: "failing records can go their own way",
    step: { kind: "check", rules: [{ field: "total", max: 10 }], otherwise: "port" },
    input: [ana, ben],
    out: { out: [ben], failed: [ana] },
  },
  {
    title: "failing records can be left out without a dead letter",
    step: { kind: "check", rules: [{ field: "email", required: true }], otherwise: "filter" },
    input: [ana, eva],
    out: { out: [ana] },
    ended: [{ outcome: "filtered" }],
  },
  {
    title: "a second record with the same value fails",
    step: { kind: "check", rules: [{ field: "email", is: "email", unique: true }] },
    input: [ana, { ...ana, id: 4 }],
    out: { out: [ana] },
    ended: [{ outcome: "dead", code: "check-unique", field: "email" }],
  },
  {
    title: "a formula may look at several fields",
    step: {
      kind: "check",
      rules: [{ field: "paid", formula: "paid <= total", message: "more was paid than was ordered" }],
    },
    input: [
      { total: 10, paid: 4 },
      { total: 10, paid: 11 },
    ],
    out: { out: [{ total: 10, paid: 4 }] },
    ended: [{ outcome: "dead", code: "check-formula", field: "paid" }],
  },
  {
    title: "dates have bounds, texts lengths, and codes a list",
    step: {
      kind: "check",
      rules: [
        { field: "on", is: "date", min: "2026-01-01" },
        { field: "name", maxLength: 5 },
        { field: "state", oneOf: ["open", "paid"] },
      ],
    },
    input: [
      { on: "2026-03-01", name: "Ana", state: "open" },
      { on: "2025-12-31", name: "Ana", state: "open" },
      { on: "2026-03-01", name: "Anastasia", state: "open" },
      { on: "2026-03-01", name: "Ana", state: "gone" },
    ],
    out: { out: [{ on: "2026-03-01", name: "Ana", state: "open" }] },
    ended: [
      { outcome: "dead", code: "check-range", field: "on" },
      { outcome: "dead", code: "check-length", field: "name" },
      { outcome: "dead", code: "check-option", field: "state" },
    ],
  },
];
