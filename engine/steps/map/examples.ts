import type { StepExample } from "../define-step.ts";

const order = {
  id: 7,
  customer_name: " ana LÓPEZ ",
  total: "10.00",
  lines: [
    { qty: 2, price: 3 },
    { qty: 1, price: 4 },
  ],
};

export const examples: StepExample[] = [
  {
    title: "fields are renamed, cleaned by a chain, computed by a formula or fixed; only what is named passes",
    step: {
      kind: "map",
      fields: [
        { to: "customer", from: "customer_name", apply: ["trim", "titleCase"] },
        { to: "total", formula: "ROUND(NUMBER(total) * 1.19, 2)" },
        { to: "currency", value: "EUR" },
      ],
    },
    input: [order],
    out: { out: [{ customer: "Ana López", total: 11.9, currency: "EUR" }] },
  },
  {
    title: "nested records and lists can be read and made",
    step: {
      kind: "map",
      fields: [
        { to: "sum", formula: "SUM(lines.qty * lines.price)" },
        { to: "customer.name", from: "customer_name", apply: ["trim"] },
      ],
    },
    input: [order],
    out: { out: [{ sum: 10, customer: { name: "ana LÓPEZ" } }] },
  },
  {
    title: "a value that cannot be converted is a dead letter that names the field",
    step: { kind: "map", fields: [{ to: "total", formula: "NUMBER(total) * 2" }] },
    input: [{ total: "ten" }, { total: "10" }],
    out: { out: [{ total: 20 }] },
    ended: [{ outcome: "dead", code: "not-a-number", field: "total" }],
  },
];
