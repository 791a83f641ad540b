import { describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { deepFreeze, memoryContext } from "../steps/testing.ts";
import { type CompileOptions, compileFlow, type Plan } from "./compile.ts";
import { readDraft } from "./read-draft.ts";
import {
  checkOrders,
  invoices,
  mapInvoice,
  readOrders,
  sampleDocument,
  sampleWorld,
  writeInvoices,
} from "./testing.ts";

function compile(parts: { [name: string]: unknown } = {}, options: CompileOptions = {}, world = sampleWorld()) {
  const draft = readDraft(sampleDocument(parts));
  return compileFlow(draft.flow, world, { broken: draft.broken.map(({ id }) => id), ...options });
}

function planOf(parts: { [name: string]: unknown } = {}, options: CompileOptions = {}, world = sampleWorld()): Plan {
  const { plan, problems } = compile(parts, options, world);
  if (!plan) throw new Error(problems.map(({ message }) => message).join("\n"));
  return plan;
}

const write = (parts: { [name: string]: unknown } = {}, world = sampleWorld()) =>
  planOf(parts, {}, world).steps.get("books")!.write!;
const steps = (...changes: { id: string }[]) => ({
  steps: [readOrders, checkOrders, mapInvoice, writeInvoices].map((step) => ({
    ...step,
    ...changes.find(({ id }) => id === step.id),
  })),
});

describe("a plan", () => {
  it("has the steps in an order, with what follows each port", () => {
    const plan = planOf();
    expect(plan.order.map(({ id }) => id)).toEqual(["orders", "check", "invoice", "books"]);
    expect(plan.trigger.next).toEqual({ out: ["check"] });
    expect(plan.steps.get("check")?.next).toEqual({ out: ["invoice"] });
    expect(plan.steps.get("books")?.next).toEqual({});
    expect(plan.order.map(({ executor }) => executor !== undefined)).toEqual([false, true, true, false]);
    expect(plan.timing).toEqual({ kind: "every", every: "5m" });
    expect(plan.cut).toEqual([]);
  });

  it("moves a page from step to step without touching its records", async () => {
    const plan = planOf();
    const context = memoryContext();
    const page = deepFreeze({
      records: [{ id: 1, customer_name: " ana ", email: "ana@example.com", total: "10.00" }],
      origins: [0],
    });
    const checked = await plan.steps.get("check")!.executor!(page, context);
    const mapped = await plan.steps.get("invoice")!.executor!(deepFreeze(checked.out.out!), context);
    expect(mapped.out.out?.records).toEqual([{ external_id: "1", customer: "Ana", total: 11.9, currency: "EUR" }]);
  });

  it("is refused for a flow with problems", () => {
    const { plan, problems } = compile(steps({ id: "orders", stream: "none" } as { id: string }));
    expect(plan).toBeUndefined();
    expect(problems).toHaveLength(1);
  });

  it("up to a step leaves out all that step does not need", () => {
    const plan = planOf({}, { upTo: "check" });
    expect(plan.order.map(({ id }) => id)).toEqual(["orders", "check"]);
    expect(plan.steps.get("check")?.next).toEqual({ out: [] });
    expect(plan.cut).toEqual([]);
    expect(planOf(steps({ id: "books", sink: "none" } as { id: string }), { upTo: "invoice" }).order).toHaveLength(3);
    expect(compile({}, { upTo: "nowhere" })).toMatchObject({ problems: [{ step: "nowhere" }] });
  });
});

describe("a tolerant plan", () => {
  it("cuts off a step with a problem and all after it", () => {
    const { plan, problems } = compile(
      steps({ id: "invoice", fields: [{ to: "total", from: "totl" }] } as { id: string }),
      { tolerant: true },
    );
    expect(problems.length).toBeGreaterThan(0);
    expect(plan?.order.map(({ id }) => id)).toEqual(["orders", "check"]);
    expect(plan?.cut).toEqual(["invoice", "books"]);
    expect(plan?.steps.get("check")).toMatchObject({ next: { out: [] }, cutNext: { out: ["invoice"] } });
  });

  it("cuts off a step that could not be read", () => {
    const { plan } = compile(steps({ id: "invoice", fields: "none" } as { id: string }), { tolerant: true });
    expect(plan?.order.map(({ id }) => id)).toEqual(["orders", "check"]);
    expect(plan?.cut).toEqual(["books", "invoice"]);
  });

  it("keeps a step that only lacks a way out", () => {
    const { plan, problems } = compile(
      {
        steps: [readOrders, checkOrders, mapInvoice],
        links: [
          { from: "orders", to: "check" },
          { from: "check", to: "invoice" },
        ],
      },
      { tolerant: true },
    );
    expect(problems).toHaveLength(1);
    expect(plan?.cut).toEqual([]);
    expect(plan?.order).toHaveLength(3);
  });

  it("does not exist without a trigger", () => {
    expect(compile({ steps: [checkOrders], links: [] }, { tolerant: true }).plan).toBeUndefined();
    expect(
      compile(steps({ id: "orders", connection: "none" } as { id: string }), { tolerant: true }).plan,
    ).toBeUndefined();
  });
});

describe("the key of a record", () => {
  const record: JsonRecord = { id: 12, customer_name: "Ana", email: "a|b", note: "" };

  it("is the source field mapped to what the write matches by", () => {
    expect(planOf().keyOf(record)).toBe("12");
    const fields = [{ to: "external_id", from: "email", apply: ["trim", "lower"] }, ...mapInvoice.fields.slice(1)];
    expect(planOf(steps({ id: "invoice", fields } as { id: string })).keyOf(record)).toBe("a\\|b");
  });

  it("is what settings.key names, when it is set", () => {
    expect(planOf({ settings: { key: "customer_name" } }).keyOf(record)).toBe("Ana");
    expect(planOf({ settings: { key: "note" } }).keyOf(record)).toBeNull();
  });

  it("is the stream's key when the matched field is computed", () => {
    const fields = [{ to: "external_id", formula: 'CONCAT("A", customer_name)' }, ...mapInvoice.fields.slice(1)];
    expect(planOf(steps({ id: "invoice", fields } as { id: string })).keyOf({ ...record, id: "x|1" })).toBe("x\\|1");
  });
});

describe("what a write step sends", () => {
  const good = { external_id: "7", customer: "Ana", total: "12.50", currency: "EUR" };

  it("is converted to the sink's types", () => {
    expect(write().toWrite(deepFreeze(good))).toEqual({ ok: true, values: { ...good, total: 12.5 } });
    expect(write().toWrite({ ...good, external_id: 7, total: "12345678901234567890.1".slice(0, 10) })).toMatchObject({
      ok: true,
      values: { external_id: "7" },
    });
  });

  it.each([
    [{ customer: "x".repeat(41) }, "write-too-long", "customer", "expected at most 40 characters, found 41"],
    [{ total: "12,50" }, "write-not-a-number", "total", "expected a number"],
    [{ total: "1.234" }, "write-too-many-decimals", "total", "at most 2 digits after the point"],
    [{ currency: null }, "write-required", "currency", "found nothing"],
    [{ external_id: " " }, "write-missing", "external_id", "it finds the record in the target"],
    [{ color: "red" }, "write-unknown-field", "color", "no such field"],
  ])("with %j is refused with its reason", (change, code, field, message) => {
    const result = write().toWrite({ ...good, ...change } as JsonRecord);
    expect(result).toEqual({
      ok: false,
      failure: { kind: "rejected", code, field, message: expect.stringContaining(message) },
    });
    expect(!result.ok && result.failure.message).toMatch(/^Step “books”, field “\w+”: /);
  });

  it("must hold every required field when a record may be created", () => {
    const { currency: _, ...rest } = good;
    expect(write().toWrite(rest)).toMatchObject({ ok: false, failure: { code: "write-missing", field: "currency" } });
    expect(write(steps({ id: "books", operation: "update" } as { id: string })).toWrite(rest)).toMatchObject({
      ok: true,
    });
  });

  it("is only what finds the record when it deletes", () => {
    expect(write(steps({ id: "books", operation: "delete" } as { id: string })).toWrite(good)).toEqual({
      ok: true,
      values: { external_id: "7" },
    });
  });

  it("may hold fields the sink does not name when the sink is open", () => {
    const world = sampleWorld({ books: { sinks: [{ ...invoices, open: true }] } });
    expect(write({}, world).toWrite({ ...good, color: ["red"] })).toMatchObject({
      ok: true,
      values: { color: ["red"] },
    });
  });

  it("sends decimals as JSON numbers where the sink takes JSON and a number holds them exactly", () => {
    const open = { ...invoices, fields: [], matchKeys: [], open: true };
    const total = (sink: typeof invoices, value: string) => {
      const map = {
        id: "invoice",
        kind: "map",
        fields: [
          { to: "external_id", from: "note" },
          { to: "total", from: "total" },
        ],
      };
      const written = write(steps(map as { id: string }), sampleWorld({ books: { sinks: [sink] } }));
      const converted = written.toWrite({ external_id: "0012", total: value });
      return converted.ok ? converted.values : converted.failure;
    };
    expect(total({ ...open, jsonNumbers: true }, "12.50")).toEqual({ external_id: "0012", total: 12.5 });
    const long = "1234567890123456789.01";
    expect(total({ ...open, jsonNumbers: true }, long)).toEqual({ external_id: "0012", total: long });
    expect(total(open, "12.50")).toEqual({ external_id: "0012", total: "12.50" });
  });

  it("passes as it is while nothing is known of the sink", () => {
    const world = sampleWorld({ books: { sinks: undefined, unavailable: "Books does not answer." } });
    expect(write({}, world)).not.toHaveProperty("info");
    expect(write({}, world).toWrite(good)).toEqual({ ok: true, values: good });
  });

  it("has a key of its match values that cannot be mistaken for another", () => {
    const two = write(steps({ id: "books", match: ["external_id", "currency"] } as { id: string }));
    expect(two.writeKey({ external_id: "a|b", currency: "c" })).toBe("a\\|b|c");
    expect(two.writeKey({ external_id: "a", currency: "b|c" })).toBe("a|b\\|c");
    const insert = write(steps({ id: "books", operation: "insert", match: undefined } as { id: string }));
    expect(insert.writeKey({ id: 5, external_id: "x" })).toBe("5");
    expect(insert.writeKey({ external_id: "x" })).toBe("");
  });
});

describe("a port", () => {
  const branch = { id: "ways", kind: "branch", branches: [{ port: "big", where: "total > 500" }] };
  const links = [
    { from: "orders", to: "ways" },
    { from: "ways", port: "big", to: "invoice" },
    { from: "ways", port: "big", to: "again" },
    { from: "invoice", to: "books" },
    { from: "again", to: "books" },
  ];

  it("linked to several steps leads to each; one that is not linked leads nowhere", () => {
    const plan = planOf({
      steps: [readOrders, branch, mapInvoice, { ...mapInvoice, id: "again" }, writeInvoices],
      links,
    });
    expect(plan.steps.get("ways")?.next).toEqual({ big: ["invoice", "again"], else: [] });
    expect(plan.order.map(({ id }) => id)).toEqual(["orders", "ways", "invoice", "again", "books"]);
    expect(plan.keyOf({ id: 3 })).toBe("3");
  });
});
