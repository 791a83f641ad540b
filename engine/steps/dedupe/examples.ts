import type { StepExample } from "../define-step.ts";

export const examples: StepExample[] = [
  {
    title: "the first customer of each e-mail address passes",
    step: { kind: "dedupe", keys: ["email"] },
    input: [
      { id: 1, email: "ana@example.com" },
      { id: 2, email: "ana@example.com" },
      { id: 3, email: "ben@example.com" },
    ],
    out: {
      out: [
        { id: 1, email: "ana@example.com" },
        { id: 3, email: "ben@example.com" },
      ],
    },
    ended: [{ outcome: "duplicate" }],
  },
  {
    title: "case and blanks around can be overlooked",
    step: { kind: "dedupe", keys: ["email"], ignoreCase: true, trim: true },
    input: [{ email: "Ana@Example.com " }, { email: "ana@example.com" }],
    out: { out: [{ email: "Ana@Example.com " }] },
    ended: [{ outcome: "duplicate" }],
  },
  {
    title: "several fields make one key, without running into each other",
    step: { kind: "dedupe", keys: ["a", "b"] },
    input: [
      { a: "x|y", b: "z" },
      { a: "x", b: "y|z" },
    ],
    out: {
      out: [
        { a: "x|y", b: "z" },
        { a: "x", b: "y|z" },
      ],
    },
  },
  {
    title: "records without a key pass",
    step: { kind: "dedupe", keys: ["email"] },
    input: [{ email: null }, { email: "" }],
    out: { out: [{ email: null }, { email: "" }] },
  },
  {
    title: "or are dead letters, when the step says so",
    step: { kind: "dedupe", keys: ["email"], emptyKey: "dead" },
    input: [{ email: null }],
    out: { out: [] },
    ended: [{ outcome: "dead", code: "dedupe-empty-key", field: "email" }],
  },
];
