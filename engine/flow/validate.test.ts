import { describe, expect, it } from "vitest";
import type { StreamInfo } from "../../connectors/sdk/types.ts";
import type { FlowWorld, Problem } from "../steps/define-step.ts";
import { parseFlow } from "./read-draft.ts";
import type { Flow } from "./schema.ts";
import {
  checkOrders,
  invoices,
  mapInvoice,
  readOrders,
  sampleDocument,
  sampleWorld,
  writeInvoices,
} from "./testing.ts";
import { publishProblems, validateFlow } from "./validate.ts";

function flowOf(parts: { [name: string]: unknown } = {}): Flow {
  const parsed = parseFlow(sampleDocument(parts));
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("\n"));
  return parsed.flow;
}

function problemsOf(parts: { [name: string]: unknown }, world: FlowWorld = sampleWorld()): Problem[] {
  return validateFlow(flowOf(parts), world).problems;
}

/** The sample with one step laid over. */
function withStep(change: { id: string; [setting: string]: unknown }): { steps: unknown[] } {
  return {
    steps: [readOrders, checkOrders, mapInvoice, writeInvoices].map((step) =>
      step.id === change.id ? { ...step, ...change } : step,
    ),
  };
}

/** The mapping of the sample with one target changed, or left out. */
function mapped(to: string, rule: object | null): { steps: unknown[] } {
  const others = mapInvoice.fields.filter((field) => field.to !== to);
  return withStep({ id: "invoice", fields: rule ? [...others, { to, ...rule }] : others });
}

describe("a flow that is right", () => {
  it("has no problems, and its fields are known at every point", () => {
    const { problems, notes, shapes } = validateFlow(flowOf(), sampleWorld());
    expect(problems).toEqual([]);
    expect(notes).toEqual([]);
    expect(shapes.check?.input.fields.map(({ name }) => name)).toContain("customer_name");
    expect(shapes.books?.input).toMatchObject({
      open: false,
      fields: [
        { name: "external_id", type: "text" },
        { name: "customer", type: "text" },
        { name: "total", type: "decimal" },
        { name: "currency", type: "text" },
      ],
    });
    expect(publishProblems(flowOf(), sampleWorld())).toEqual([]);
  });
});

describe("links", () => {
  it("that form a cycle are named", () => {
    const links = [...flowOf().links, { from: "invoice", to: "check" }];
    const [problem] = problemsOf({ links });
    expect(problem).toMatchObject({
      step: "check",
      message: expect.stringContaining("check → invoice → check"),
      remedy: expect.stringContaining("invoice → check"),
    });
  });

  it("from a step to itself are a cycle", () => {
    expect(problemsOf({ links: [...flowOf().links, { from: "check", to: "check" }] })[0]?.message).toContain(
      "check → check",
    );
  });

  it("to a step that is not there suggest the nearest", () => {
    const links = [
      { from: "orders", to: "check" },
      { from: "check", to: "invoise" },
      { from: "invoice", to: "books" },
    ];
    expect(problemsOf({ links })).toContainEqual({
      step: "check",
      field: "links[1].to",
      message: "Link check → invoise: there is no step “invoise”.",
      remedy: "Did you mean “invoice”?",
    });
  });

  it("by a port that is not there suggest those that are", () => {
    const links = flowOf().links.map((link) => (link.from === "check" ? { ...link, port: "faild" } : link));
    expect(problemsOf({ ...withStep({ id: "check", otherwise: "port" }), links })).toContainEqual(
      expect.objectContaining({ step: "check", field: "links[1].port", remedy: "Did you mean “failed”?" }),
    );
    expect(problemsOf({ links })).toContainEqual(expect.objectContaining({ remedy: "Choose one of “out”." }));
  });

  it("that are there twice are a problem", () => {
    expect(problemsOf({ links: [...flowOf().links, { from: "orders", to: "check", port: "out" }] })).toEqual([
      expect.objectContaining({
        step: "orders",
        field: "links[3]",
        message: expect.stringContaining("the same link is there twice"),
      }),
    ]);
  });

  it("from an end or to a trigger are problems", () => {
    const links = [...flowOf().links, { from: "books", to: "orders" }];
    const messages = problemsOf({ links }).map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringContaining("nothing can follow it"));
    expect(messages).toContainEqual(expect.stringContaining("it starts the flow"));
  });
});

describe("the graph", () => {
  it("needs a trigger, and only one", () => {
    const none = problemsOf({ steps: [checkOrders, mapInvoice, writeInvoices], links: flowOf().links.slice(1) });
    expect(none[0]).toMatchObject({ step: "", message: expect.stringContaining("expected one step that starts it") });
    const two = {
      steps: [readOrders, { ...readOrders, id: "more" }, checkOrders, mapInvoice, writeInvoices],
      links: [...flowOf().links, { from: "more", to: "check" }],
    };
    expect(problemsOf(two)).toEqual([
      expect.objectContaining({ step: "more", message: expect.stringContaining("“orders” is one already") }),
    ]);
  });

  it("has ids that differ", () => {
    const steps = [readOrders, checkOrders, checkOrders, mapInvoice, writeInvoices];
    expect(problemsOf({ steps })).toEqual([expect.objectContaining({ step: "check", field: "id" })]);
  });

  it("has no step that no record reaches, nor one from which none goes on", () => {
    const spare = { id: "spare", kind: "filter", where: "total > 1" };
    const problems = problemsOf({ steps: [readOrders, checkOrders, mapInvoice, writeInvoices, spare] });
    expect(problems.map(({ step, message }) => [step, message])).toEqual([
      ["spare", expect.stringContaining("no record reaches it")],
      ["spare", expect.stringContaining("nothing follows it, so its records would end as filtered")],
    ]);
  });
});

describe("a connection", () => {
  it("that is not there suggests the nearest", () => {
    expect(problemsOf(withStep({ id: "orders", connection: "shopp" }))).toContainEqual(
      expect.objectContaining({ step: "orders", field: "connection", remedy: "Did you mean “shop”?" }),
    );
  });

  it("that is not chosen yet is asked for", () => {
    expect(problemsOf(withStep({ id: "orders", connection: "", stream: "" }))).toContainEqual({
      step: "orders",
      field: "connection",
      message: "Step “orders”, field “connection”: expected a connection, found none.",
      remedy: "Choose a connection.",
    });
    expect(problemsOf(withStep({ id: "books", sink: "" }))).toContainEqual(
      expect.objectContaining({ step: "books", field: "sink", remedy: "Choose a sink." }),
    );
  });

  it("without the stream or sink suggests the nearest", () => {
    expect(problemsOf(withStep({ id: "orders", stream: "order" }))).toContainEqual(
      expect.objectContaining({ step: "orders", field: "stream", remedy: "Did you mean “orders”?" }),
    );
    expect(problemsOf(withStep({ id: "books", sink: "bills" }))).toContainEqual(
      expect.objectContaining({ step: "books", field: "sink", remedy: "Choose a sink it has: “invoices”." }),
    );
  });

  it("that cannot be asked now leaves fields open and is a note", () => {
    const world = sampleWorld({ shop: { streams: undefined, sinks: undefined, unavailable: "Shop does not answer." } });
    const { problems, notes, shapes } = validateFlow(flowOf(), world);
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      { step: "orders", field: "connection", message: expect.stringContaining("Shop does not answer.") },
    ]);
    expect(shapes.orders?.output.out?.open).toBe(true);
  });

  it("of which one stream cannot be read says why, as a note", () => {
    const problem = { kind: "settings" as const, code: "encoding-wrong", message: "Line 3 is not valid utf-8." };
    const stream = { name: "orders", title: "orders", fields: [], key: [], watermarks: [], problem };
    const { notes, shapes } = validateFlow(flowOf(), sampleWorld({ shop: { streams: [stream] } }));
    expect(notes).toEqual([
      { step: "orders", field: "stream", message: expect.stringContaining("Line 3 is not valid utf-8.") },
    ]);
    expect(shapes.orders?.output.out?.open).toBe(true);
  });
});

describe("reading changes", () => {
  it.each([
    [{ watermark: undefined }, "expected the field by which changes are found", "Choose “updated_at”."],
    [{ watermark: "updatedat" }, "has no field “updatedat”", "Did you mean “updated_at”?"],
    [{ watermark: "note" }, "cannot tell what changed", "Choose “updated_at”."],
    [{ sync: "full" }, "only sync: incremental and changes use a watermark", "Set sync to incremental"],
  ])("with %j is a problem", (change, message, remedy) => {
    expect(problemsOf(withStep({ id: "orders", ...change }))).toEqual([
      {
        step: "orders",
        field: "watermark",
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      },
    ]);
  });

  it("by a schedule that cannot be is a problem", () => {
    expect(problemsOf(withStep({ id: "orders", cron: "0 6 * * *" }))[0]?.message).toContain(
      "found both every and cron",
    );
    expect(problemsOf(withStep({ id: "orders", every: undefined, cron: "0 6 * *" }))[0]?.message).toContain(
      "expected five parts",
    );
  });
});

describe("following changes", () => {
  const following = { id: "orders", sync: "changes", watermark: undefined, every: undefined };
  const watched = (watch: StreamInfo["watch"]) => {
    const [stream] = sampleWorld().connections.get("shop")?.streams ?? [];
    return sampleWorld({ shop: { streams: [{ ...(stream as StreamInfo), ...(watch ? { watch } : {}) }] } });
  };
  const on = watched({ state: "on" });

  it("needs nothing more where changes are recorded", () => {
    const flow = flowOf(withStep(following));
    expect(validateFlow(flow, on)).toMatchObject({ problems: [], notes: [] });
  });

  it("of a stream that cannot be followed is a problem, with another way", () => {
    const [problem] = problemsOf(withStep(following));
    expect(problem).toMatchObject({
      field: "sync",
      message: expect.stringContaining("cannot be followed"),
      remedy: expect.stringContaining("updated_at"),
    });
    const keyless = watched({ state: "impossible", note: "orders has no key." });
    expect(problemsOf(withStep(following), keyless)[0]?.message).toContain("orders has no key.");
  });

  it("where nothing records them yet is a note that says how they are found until then", () => {
    const off = watched({ state: "off", note: "Not installed." });
    const { problems, notes } = validateFlow(flowOf(withStep({ ...following, watermark: "updated_at" })), off);
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      {
        step: "orders",
        field: "sync",
        message: expect.stringContaining("Not installed. Until then it is read by updated_at every 5m"),
      },
    ]);
  });

  it.each([
    [{ deletes: "pass" }, "operationField", "tells deleted records from others"],
    [{ operationField: "total" }, "operationField", "a field “total” of its own"],
    [{ cron: "0 6 * * *" }, "cron", "changes start the flow by themselves"],
    [{ watermark: "note" }, "watermark", "cannot tell what changed"],
    [{ sync: "full", existing: "skip" }, "existing", "only sync: changes uses it"],
  ])("with %j is a problem", (change, field, message) => {
    expect(problemsOf(withStep({ ...following, ...change }), on)).toEqual([
      expect.objectContaining({ step: "orders", field, message: expect.stringContaining(message) }),
    ]);
  });

  it("tells what happened in a field of its own", () => {
    const flow = flowOf(withStep({ ...following, deletes: "pass", operationField: "change" }));
    const { problems, notes, shapes } = validateFlow(flow, on);
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      { step: "orders", field: "deletes", message: expect.stringContaining("no step looks at “change”") },
    ]);
    expect(shapes.orders?.output.out?.fields.at(-1)).toMatchObject({
      name: "change",
      options: ["create", "update", "delete", "read"],
    });
  });
});

describe("fields that rules, conditions and keys name", () => {
  it("must arrive; the nearest is suggested", () => {
    expect(problemsOf(withStep({ id: "check", rules: [{ field: "emial", is: "email" }] }))).toEqual([
      {
        step: "check",
        field: "emial",
        message: expect.stringContaining("no “emial”"),
        remedy: "Did you mean “email”?",
      },
    ]);
    const dedupe = { id: "check", kind: "dedupe", keys: ["mail"], rules: undefined, otherwise: undefined };
    expect(problemsOf(withStep(dedupe))[0]).toMatchObject({
      step: "check",
      field: "mail",
      remedy: "Did you mean “email”?",
    });
  });

  it("may be anything when the shape is open", () => {
    const world = sampleWorld({ shop: { streams: undefined, unavailable: "Shop does not answer." } });
    expect(problemsOf(withStep({ id: "check", rules: [{ field: "emial", is: "email" }] }), world)).toEqual([]);
  });

  it("have formulas whose errors are shown with their place", () => {
    const filter = { id: "check", kind: "filter", rules: undefined, otherwise: undefined };
    const [problem] = problemsOf(withStep({ ...filter, where: "total > " }));
    expect(problem).toMatchObject({
      step: "check",
      field: "where",
      message: expect.stringMatching(/at character \d+ of "total > "/),
    });
    expect(problemsOf(withStep({ ...filter, where: "totl > 3" }))[0]?.remedy).toBe("Did you mean total?");
    expect(problemsOf(withStep({ ...filter, where: "total + 3" }))[0]?.message).toContain(
      "expected a formula that is TRUE or FALSE",
    );
  });

  it("of settings.key belong to the incoming record", () => {
    expect(problemsOf({ settings: { key: "cusomer_name" } })).toEqual([
      expect.objectContaining({ step: "", field: "settings.key", remedy: "Did you mean “customer_name”?" }),
    ]);
  });
});

describe("rules that no record could keep", () => {
  it.each([
    [{ field: "total", min: 5, max: 1 }, "no number is at least 5 and at most 1"],
    [{ field: "note", minLength: 5, maxLength: 1 }, "no text has at least 5"],
    [{ field: "note", matches: "(" }, "expected a regular expression"],
    [{ field: "total", is: "email" }, "every record would fail"],
    [{ field: "note", min: "many" }, "expected a number or a date as min"],
    [{ field: "note" }, "expected a demand such as is"],
    [{ is: "email" }, "expected the field this rule is about"],
    [{ field: "note", required: true, optional: true }, "found both required and optional"],
  ])("%j", (rule, message) => {
    expect(problemsOf(withStep({ id: "check", rules: [rule] }))).toEqual([
      expect.objectContaining({ step: "check", message: expect.stringContaining(message) }),
    ]);
  });
});

describe("a write", () => {
  it("needs every required target field", () => {
    expect(problemsOf(mapped("currency", null))).toEqual([
      {
        step: "books",
        field: "currency",
        message: "Step “books”, field “currency”: sink “invoices” requires “currency”, but nothing is mapped to it.",
        remedy: "Map a source field to “currency”, or set a value.",
      },
    ]);
  });

  it("does not need those that the target fills, nor any when it only updates", () => {
    expect(problemsOf({})).toEqual([]);
    expect(
      problemsOf({ steps: [...mapped("currency", null).steps.slice(0, 3), { ...writeInvoices, operation: "update" }] }),
    ).toEqual([]);
  });

  it("refuses fields the sink does not have", () => {
    expect(problemsOf(mapped("issuedon", { from: "ordered_on" }))).toEqual([
      expect.objectContaining({ step: "books", field: "issuedon", remedy: "Did you mean “issued_on”?" }),
    ]);
    const world = sampleWorld({ books: { sinks: [{ ...invoices, open: true }] } });
    expect(problemsOf(mapped("more", { from: "note" }), world)).toEqual([]);
  });

  it("refuses what the target alone fills, unless records are found by it", () => {
    const fields = invoices.fields.map((field) => (field.name === "paid" ? { ...field, readOnly: true } : field));
    const world = sampleWorld({ books: { sinks: [{ ...invoices, fields }] } });
    expect(problemsOf({}, world)).toEqual([]);
    expect(problemsOf(mapped("paid", { value: true }), world)).toEqual([
      {
        step: "books",
        field: "paid",
        message: "Step “books”, field “paid”: sink “invoices” fills “paid” itself; it cannot be written.",
        remedy: "Leave “paid” out in a map before this step.",
      },
    ]);
    const byPaid = { ...writeInvoices, match: ["paid"] };
    const steps = [...mapped("paid", { value: true }).steps.slice(0, 3), byPaid];
    expect(problemsOf({ steps }, world)).toEqual([]);
  });

  it("refuses types that do not fit and says what to add", () => {
    expect(problemsOf(mapped("total", { from: "note" }))).toEqual([
      {
        step: "books",
        field: "total",
        message: "Step “books”, field “total”: sink “invoices” expects decimal, but text arrives.",
        remedy: "Add “number” to the chain of its field mapping.",
      },
    ]);
    expect(problemsOf(mapped("issued_on", { from: "updated_at" }))[0]?.message).toContain(
      "expects date, but datetime arrives",
    );
  });

  it("takes what widens safely", () => {
    expect(problemsOf(mapped("total", { from: "id" }))).toEqual([]);
    expect(problemsOf(mapped("customer", { from: "id" }))).toEqual([]);
    expect(problemsOf(mapped("issued_on", { from: "ordered_on" }))).toEqual([]);
  });

  it("judges a fixed value by what it is", () => {
    expect(problemsOf(mapped("issued_on", { value: "2026-01-31" }))).toEqual([]);
    expect(problemsOf(mapped("issued_on", { value: "soon" }))).toEqual([
      expect.objectContaining({ step: "books", field: "issued_on" }),
    ]);
    expect(problemsOf(mapped("total", { value: "12.50" }))).toEqual([]);
  });

  it("needs match fields that exist and arrive", () => {
    expect(problemsOf(withStep({ id: "books", match: [] }))[0]).toMatchObject({ step: "books", field: "match" });
    expect(problemsOf(withStep({ id: "books", match: ["externalid"] }))[0]).toMatchObject({
      field: "externalid",
      remedy: "Did you mean “external_id”?",
    });
    expect(problemsOf(withStep({ id: "books", match: ["paid"] }))[0]).toMatchObject({
      field: "paid",
      message: expect.stringContaining("does not arrive here"),
    });
  });

  it("offers only the sink's operations", () => {
    const world = sampleWorld({ books: { sinks: [{ ...invoices, operations: ["insert", "upsert"] }] } });
    expect(problemsOf(withStep({ id: "books", operation: "delete" }), world)).toContainEqual(
      expect.objectContaining({ step: "books", field: "operation", remedy: "Choose “insert”, “upsert”." }),
    );
  });

  it("says in notes what is worth knowing", () => {
    const world = sampleWorld({
      books: { sinks: [{ ...invoices, undo: "none", undoNote: "It is a file.", effect: "at-least-once" }] },
    });
    const { notes } = validateFlow(flowOf(withStep({ id: "books", match: ["customer"] })), world);
    expect(notes.map(({ message }) => message)).toEqual([
      expect.stringContaining("“customer” is not known to be unique"),
      expect.stringContaining("cannot be undone. It is a file."),
      expect.stringContaining("may arrive twice"),
    ]);
  });
});

describe("where several links meet", () => {
  it("all fields of any of them arrive; what one lacks may be empty", () => {
    const other = {
      id: "other",
      kind: "map",
      fields: [
        { to: "external_id", from: "id" },
        { to: "total", from: "id" },
      ],
    };
    const flow = flowOf({
      steps: [readOrders, checkOrders, mapInvoice, other, writeInvoices],
      links: [...flowOf().links, { from: "check", to: "other" }, { from: "other", to: "books" }],
    });
    const fields = validateFlow(flow, sampleWorld()).shapes.books?.input.fields;
    expect(fields?.find(({ name }) => name === "customer")).toMatchObject({ type: "text", nullable: true });
    expect(fields?.find(({ name }) => name === "total")).toMatchObject({ type: "decimal" });
  });
});

describe("publishing", () => {
  it("needs all six answers of the brief", () => {
    const flow = flowOf({ brief: { moves: "orders", owner: " " } });
    expect(validateFlow(flow, sampleWorld()).problems).toEqual([]);
    expect(publishProblems(flow, sampleWorld()).map(({ field }) => field)).toEqual([
      "brief.direction",
      "brief.timing",
      "brief.onFailure",
      "brief.owner",
      "brief.rollback",
    ]);
  });
});

describe("a large flow", () => {
  it("of hundreds of steps is validated as one of four is", () => {
    const chain = Array.from({ length: 400 }, (_, index) => ({
      id: `f${index}`,
      kind: "filter",
      where: `AND(total > ${index}, email <> "")`,
    }));
    const ids = ["orders", "check", ...chain.map(({ id }) => id), "invoice", "books"];
    const flow = flowOf({
      steps: [readOrders, checkOrders, ...chain, mapInvoice, writeInvoices],
      links: ids.slice(1).map((id, index) => ({ from: ids[index]!, to: id })),
    });
    expect(validateFlow(flow, sampleWorld()).problems).toEqual([]);
    const broken = { ...flow, steps: flow.steps.map((step) => (step.id === "f399" ? { ...step, where: "(" } : step)) };
    expect(validateFlow(broken as Flow, sampleWorld()).problems).toMatchObject([{ step: "f399", field: "where" }]);
  });

  it("may write to a place that is made when it is first written, by any name that fits", () => {
    const world = sampleWorld();
    const { sinks: [invoices] = [] } = world.connections.get("books")!;
    const made = { ...invoices!, name: "*.csv", title: "New file", names: "^[a-z]+\\.csv$", fields: [], open: true };
    const connections = new Map(world.connections);
    connections.set("books", { name: "books", connector: "csv", streams: [], sinks: [made] });
    const there = { ...world, connections };
    const writing = (sink: string) =>
      validateFlow(
        flowOf({
          steps: [readOrders, checkOrders, mapInvoice, { ...writeInvoices, sink, operation: "insert", match: [] }],
        }),
        there,
      ).problems;
    expect(writing("out.csv")).toEqual([]);
    expect(writing("OUT.xlsx")).toMatchObject([{ step: "books", field: "sink" }]);
    expect(writing("*.csv")).toMatchObject([{ step: "books", field: "sink" }]);
  });
});

describe("topics", () => {
  const echo = (types?: string[], type?: string) => ({
    steps: [
      { id: "heard", kind: "event", topic: "orders", ...(types ? { types } : {}) },
      { id: "tell", kind: "publish", topic: "stock", ...(type ? { type } : {}) },
    ],
    links: [{ from: "heard", to: "tell" }],
    settings: {},
  });
  const listener = (name: string, topic: string, to: string, types?: string[]) => ({
    ...{ name, topic, publishes: [{ topic: to, type: "record" }] },
    ...(types ? { types } : {}),
  });
  const loops = (listeners: FlowWorld["listeners"], flow = echo()) =>
    problemsOf(flow, { ...sampleWorld(), listeners: listeners ?? [] }).map(({ message }) => message);

  it("that lead back to the flow by way of others are refused, with the way", () => {
    const way = [listener("Shelves", "stock", "prices"), listener("Labels", "prices", "orders")];
    expect(loops(way)).toEqual([expect.stringContaining("by way of “Shelves” and “Labels”, would start itself")]);
    expect(loops(way.slice(0, 1))).toEqual([]);
  });

  it("are told apart by type, and a loop of others is not this flow's", () => {
    expect(loops([listener("Shelves", "stock", "orders", ["stock.changed"])])).toEqual([]);
    expect(
      loops([listener("Shelves", "stock", "orders", ["stock.changed"])], echo(undefined, "stock.changed")),
    ).toHaveLength(1);
    expect(loops([listener("Shelves", "stock", "orders")], echo(["order.created"]))).toEqual([]);
    expect(loops([listener("Round", "stock", "stock")])).toEqual([]);
  });
});
