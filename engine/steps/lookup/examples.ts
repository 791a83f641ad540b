import type { StepExample } from "../define-step.ts";

const holds = [
  { id: 7, name: "Ana López", tier: "gold", address: { city: "Porto" } },
  { id: 8, name: "Ben Li", tier: null, address: { city: "Graz" } },
  { id: 9, name: "Eva Ito", tier: "gold", address: { city: "Graz" } },
];
const place = { connection: "crm", stream: "customers" };

export const examples: StepExample[] = [
  {
    title: "fields of the customer are added to each order",
    step: {
      kind: "lookup",
      ...place,
      match: { id: "customer_id" },
      take: [
        { to: "customer", from: "name" },
        { to: "ship_to.city", from: "address.city" },
      ],
    },
    holds,
    input: [
      { order: 1, customer_id: 7, ship_to: { zip: "4000" } },
      { order: 2, customer_id: "8" },
    ],
    out: {
      out: [
        { order: 1, customer_id: 7, customer: "Ana López", ship_to: { zip: "4000", city: "Porto" } },
        { order: 2, customer_id: "8", customer: "Ben Li", ship_to: { city: "Graz" } },
      ],
    },
  },
  {
    title: "a record that is not found there is a dead letter, also when the field here is empty",
    step: { kind: "lookup", ...place, match: { id: "customer_id" }, as: "customer" },
    holds,
    input: [{ customer_id: 1 }, { customer_id: null }],
    out: { out: [] },
    ended: [
      { outcome: "dead", code: "lookup-not-found", field: "customer_id" },
      { outcome: "dead", code: "lookup-not-found", field: "customer_id" },
    ],
  },
  {
    title: "or passes with empty fields",
    step: { kind: "lookup", ...place, match: { id: "customer_id" }, as: "customer", notFound: "null" },
    holds,
    input: [{ customer_id: 1 }, { customer_id: 8 }],
    out: {
      out: [
        { customer_id: 1, customer: null },
        { customer_id: 8, customer: holds[1]! },
      ],
    },
  },
  {
    title: "or goes its own way",
    step: {
      kind: "lookup",
      ...place,
      match: { id: "customer_id" },
      take: [{ to: "tier", from: "tier" }],
      notFound: "port",
    },
    holds,
    input: [{ customer_id: 1 }, { customer_id: 9 }],
    out: { out: [{ customer_id: 9, tier: "gold" }], "not-found": [{ customer_id: 1 }] },
  },
  {
    title: "several that fit are a dead letter: nobody can tell which is meant",
    step: { kind: "lookup", ...place, match: { tier: "tier" }, take: [{ to: "name", from: "name" }] },
    holds,
    input: [{ tier: "gold" }],
    out: { out: [] },
    ended: [{ outcome: "dead", code: "lookup-several-found", field: "tier" }],
  },
  {
    title: "unless the step says that any will do",
    step: {
      kind: "lookup",
      ...place,
      match: { tier: "tier", "address.city": "city" },
      take: [{ to: "name", from: "name" }],
      multiple: "first",
    },
    holds,
    input: [{ tier: "gold", city: "Graz" }],
    out: { out: [{ tier: "gold", city: "Graz", name: "Eva Ito" }] },
  },
];
