import type { StepExample } from "../define-step.ts";

const big = { id: 1, total: 900, country: "DE" };
const abroad = { id: 2, total: 20, country: "FR" };
const both = { id: 3, total: 700, country: "FR" };
const plain = { id: 4, total: 5, country: "DE" };
const branches = [
  { port: "big", title: "Big orders", where: "total > 500" },
  { port: "abroad", rules: [{ field: "country", oneOf: ["FR", "IT"] }] },
];

export const examples: StepExample[] = [
  {
    title: "the first condition that holds decides, the rest leaves by “else”",
    step: { kind: "branch", branches },
    input: [big, abroad, both, plain],
    out: { big: [big, both], abroad: [abroad], else: [plain] },
  },
  {
    title: "with all: true a record takes every way that fits",
    step: { kind: "branch", branches, all: true },
    input: [big, abroad, both, plain],
    out: { big: [big, both], abroad: [abroad, both], else: [plain] },
  },
  {
    title: "a record a condition cannot judge is a dead letter",
    step: { kind: "branch", branches },
    input: [{ id: 5, total: "many", country: "DE" }],
    out: { big: [], abroad: [], else: [] },
    ended: [{ outcome: "dead", code: "mismatch" }],
  },
];
