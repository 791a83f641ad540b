/** The sample company of DESIGN §3, for tests: a shop to read from and books to write to. */
import type { Field, SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import type { ConnectionShape, FlowWorld } from "../steps/define-step.ts";

const orderFields: Field[] = [
  { name: "id", type: "integer", key: true, nullable: false },
  { name: "customer_name", type: "text" },
  { name: "email", type: "text", nullable: true },
  { name: "total", type: "decimal" },
  { name: "note", type: "text", nullable: true },
  { name: "ordered_on", type: "date" },
  { name: "updated_at", type: "datetime", nullable: false },
];

const orders: StreamInfo = {
  name: "orders",
  title: "Orders",
  fields: orderFields,
  key: ["id"],
  watermarks: ["updated_at"],
};

export const invoices: SinkInfo = {
  name: "invoices",
  title: "Invoices",
  fields: [
    { name: "id", type: "integer", required: true, default: true, key: true },
    { name: "external_id", type: "text", required: true, unique: true },
    { name: "customer", type: "text", required: true, maxLength: 40 },
    { name: "total", type: "decimal", required: true, precision: 12, scale: 2 },
    { name: "currency", type: "text", required: true, maxLength: 3 },
    { name: "paid", type: "boolean", required: true, default: true },
    { name: "issued_on", type: "date", nullable: true },
  ],
  open: false,
  matchKeys: [["id"], ["external_id"]],
  operations: ["insert", "update", "upsert", "delete"],
  batchSize: 1_000,
  readBack: true,
  undo: "full",
  idempotencyKeys: false,
  effect: "once",
};

/** A world with these connections beside, or instead of, “shop” and “books”. */
export function sampleWorld(overrides: { [name: string]: Partial<ConnectionShape> } = {}): FlowWorld {
  const connections = new Map<string, ConnectionShape>([
    ["shop", { name: "shop", connector: "postgres", streams: [orders], sinks: [] }],
    ["books", { name: "books", connector: "postgres", streams: [], sinks: [invoices] }],
  ]);
  for (const [name, shape] of Object.entries(overrides)) {
    connections.set(name, { ...(connections.get(name) ?? { name, connector: "postgres" }), ...shape });
  }
  return { connections };
}

/** The document of DESIGN §3, whole; parts can be replaced. */
export function sampleDocument(parts: { [name: string]: unknown } = {}): { [name: string]: unknown } {
  return {
    format: "plumbline/1",
    name: "Shop orders to accounting",
    brief: {
      moves: "Paid orders become invoices",
      direction: "one-way",
      timing: "real-time",
      onFailure: "Dead letter, seen to the next morning",
      owner: "ana@example.com",
      rollback: "Undo of the run",
    },
    assumptions: [{ text: "Order numbers are never reused", by: "ana@example.com", on: "2026-11-23" }],
    steps: [readOrders, checkOrders, mapInvoice, writeInvoices],
    links: [
      { from: "orders", to: "check" },
      { from: "check", to: "invoice" },
      { from: "invoice", to: "books" },
    ],
    settings: { retry: { attempts: 8, for: "24h" }, order: "by-key", stopAt: { dead: "20%" } },
    layout: { orders: [0, 0], check: [240, 0], invoice: [480, 0], books: [720, 0] },
    ...parts,
  };
}

export const readOrders = {
  id: "orders",
  kind: "read",
  connection: "shop",
  stream: "orders",
  sync: "incremental",
  watermark: "updated_at",
  every: "5m",
};
export const checkOrders = {
  id: "check",
  kind: "check",
  rules: [
    { field: "email", is: "email" },
    { field: "total", is: "number", min: 0 },
  ],
  otherwise: "dead",
};
export const mapInvoice = {
  id: "invoice",
  kind: "map",
  fields: [
    { to: "external_id", from: "id", apply: ["text"] },
    { to: "customer", from: "customer_name", apply: ["trim", "titleCase"] },
    { to: "total", formula: "ROUND(total * 1.19, 2)" },
    { to: "currency", value: "EUR" },
  ],
};
export const writeInvoices = {
  id: "books",
  kind: "write",
  connection: "books",
  sink: "invoices",
  operation: "upsert",
  match: ["external_id"],
};
