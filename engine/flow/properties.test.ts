import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { Batch } from "../steps/define-step.ts";
import { deepFreeze, memoryContext } from "../steps/testing.ts";
import { compileFlow, type Plan } from "./compile.ts";
import { diffFlows } from "./diff.ts";
import { parseFlow, readDraft } from "./read-draft.ts";
import { sampleDocument, sampleWorld } from "./testing.ts";
import { flowToYaml, parseFlowText } from "./text.ts";
import { publishProblems, validateFlow } from "./validate.ts";

const field = fc.constantFrom("id", "customer_name", "email", "total", "note", "nothing", "external_id", "customer");
const where = fc.constantFrom("total > 10", 'email = "a@b.de"', "ISBLANK(note)", "id + 1", "totl > 3", "(");
const rule = fc.record(
  {
    field,
    is: fc.constantFrom("text", "number", "email", "date", "integer"),
    min: fc.integer({ min: -5, max: 5 }),
    maxLength: fc.integer({ min: 0, max: 5 }),
    optional: fc.boolean(),
    unique: fc.boolean(),
    matches: fc.constantFrom("^a", "[0-9]+", "(a+)+$"),
    formula: where,
  },
  { requiredKeys: ["field"] },
);
const condition = rule.map(({ unique: _unique, ...rest }) => rest);
const mapping = fc.oneof(
  fc.record({ to: field, from: field }),
  fc.record({ to: field, from: field, apply: fc.constantFrom(["trim"], ["number"], ["nonsense"]) }),
  fc.record({ to: field, formula: fc.constantFrom("total * 2", "NUMBER(note)", 'CONCAT(id, "x")', "1 +") }),
  fc.record({ to: field, value: fc.constantFrom<unknown>("EUR", 5, null, true) }),
);
const settings = fc.oneof(
  fc.record({
    kind: fc.constant("read"),
    connection: fc.constantFrom("shop", "none"),
    stream: fc.constantFrom("orders", "x"),
  }),
  fc.record({
    kind: fc.constant("check"),
    rules: fc.array(rule, { maxLength: 4 }),
    otherwise: fc.constantFrom("dead", "filter", "port"),
  }),
  fc.record({ kind: fc.constant("filter"), where }, { requiredKeys: ["kind"] }),
  fc.record({ kind: fc.constant("filter"), rules: fc.array(condition, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant("branch"),
    branches: fc.array(fc.record({ port: fc.constantFrom("a", "b", "else"), where }), { maxLength: 3 }),
    all: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("map"), fields: fc.array(mapping, { maxLength: 5 }) }),
  fc.record({
    kind: fc.constant("dedupe"),
    keys: fc.array(field, { maxLength: 2 }),
    emptyKey: fc.constantFrom("pass", "dead"),
  }),
  fc.record({
    kind: fc.constant("write"),
    connection: fc.constantFrom("books", "shop"),
    sink: fc.constantFrom("invoices", "x"),
    operation: fc.constantFrom("insert", "update", "upsert", "delete"),
    match: fc.constantFrom(["external_id"], [], ["x"]),
  }),
  fc.constant({ kind: "unknown" }),
);
const id = fc.constantFrom("s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7");
const anyDocument = fc.record({
  format: fc.constant("plumbline/1"),
  name: fc.constant("Any"),
  steps: fc
    .uniqueArray(fc.tuple(id, settings), { selector: ([name]) => name, maxLength: 8 })
    .map((steps) => steps.map(([name, rest]) => ({ id: name, ...rest }))),
  links: fc.array(
    fc.record(
      { from: id, to: id, port: fc.constantFrom("out", "failed", "else", "a") },
      { requiredKeys: ["from", "to"] },
    ),
    { maxLength: 14 },
  ),
});

/** Graphs that mostly compile: one trigger first, links that lead on, settings that are right. */
const soundSettings = fc.oneof(
  fc.constant({ kind: "check", rules: [{ field: "email", is: "email" }], otherwise: "dead" }),
  fc.constant({
    kind: "check",
    rules: [
      { field: "total", is: "number", min: 0 },
      { field: "id", unique: true },
    ],
    otherwise: "port",
  }),
  fc.constant({ kind: "filter", where: "NOT(ISBLANK(note))" }),
  fc.constant({ kind: "filter", where: "total > 3" }),
  fc.boolean().map((all) => ({
    kind: "branch",
    branches: [
      { port: "a", where: "total > 5" },
      { port: "b", rules: [{ field: "note", minLength: 2 }] },
    ],
    all,
  })),
  fc.constant({ kind: "dedupe", keys: ["email"], ignoreCase: true, emptyKey: "dead" }),
  fc.constant({
    kind: "map",
    fields: ["id", "customer_name", "email", "note"]
      .map((name) => ({ to: name, from: name }))
      .concat([{ to: "total", formula: "total * 2" } as never]),
  }),
);
const soundDocument = fc
  .array(fc.tuple(soundSettings, fc.array(fc.nat(), { minLength: 1, maxLength: 3 })), { minLength: 1, maxLength: 8 })
  .map((chosen) => {
    const steps: { id: string; [name: string]: unknown }[] = [
      { id: "s0", kind: "read", connection: "shop", stream: "orders" },
    ];
    const links: { from: string; to: string; port?: string }[] = [];
    for (const [rest, sources] of chosen) {
      const to = `s${steps.length}`;
      for (const source of sources) {
        const from = steps[source % steps.length]!;
        const ports =
          from.kind === "branch" ? ["a", "b", "else"] : from.otherwise === "port" ? ["out", "failed"] : ["out"];
        links.push({ from: from.id, to, port: ports[source % ports.length]! });
      }
      steps.push({ id: to, ...rest });
    }
    return { format: "plumbline/1", name: "Sound", steps, links };
  });

const value = fc.oneof(
  fc.constantFrom<unknown>(null, "", " ", "12.50", "12,50", "a@b.de", "aab", true, [], {}),
  fc.integer({ min: -9, max: 99 }),
  fc.string({ maxLength: 5 }),
);
const record = fc.dictionary(
  fc.constantFrom("id", "customer_name", "email", "total", "note"),
  value,
) as fc.Arbitrary<JsonRecord>;

/** Sends a page through the middle steps of a plan and checks that each step accounts for every part it got. */
async function push(plan: Plan, records: JsonRecord[]): Promise<void> {
  const context = memoryContext();
  const inbox = new Map<string, JsonRecord[]>();
  for (const next of plan.trigger.next.out ?? []) inbox.set(next, [...records]);
  for (const step of plan.order) {
    const arriving = inbox.get(step.id) ?? [];
    for (const entry of step.write ? arriving : []) expect(step.write!.toWrite(entry)).toHaveProperty("ok");
    if (!step.executor) continue;
    const batch: Batch = deepFreeze({ records: arriving, origins: arriving.map((_entry, index) => index) });
    const { out, ended } = await step.executor(batch, context);
    expect(Object.keys(out).sort()).toEqual(Object.keys(step.next).sort());
    const left = Object.values(out).flatMap(({ origins }) => origins);
    const copies = step.step.kind === "branch" && step.step.all ? new Set(left) : left;
    const accounted = [...copies, ...ended.map(({ origin }) => origin)].sort((a, b) => a - b);
    expect(accounted).toEqual(batch.origins);
    expect(ended.every(({ outcome, failure }) => (outcome === "dead") === (failure !== undefined))).toBe(true);
    for (const [port, batchOut] of Object.entries(out)) {
      for (const next of step.next[port] ?? []) inbox.set(next, [...(inbox.get(next) ?? []), ...batchOut.records]);
    }
  }
}

function expectTopological(plan: Plan): void {
  const places = new Map(plan.order.map((step, index) => [step.id, index]));
  expect(places.size).toBe(plan.order.length);
  expect(plan.order[0]).toBe(plan.trigger);
  for (const step of plan.order) {
    for (const next of Object.values(step.next).flat()) expect(places.get(next)).toBeGreaterThan(places.get(step.id)!);
  }
}

describe("whatever is drawn", () => {
  it("validating and compiling never crash, a plan is in order, and each step accounts for its records", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(anyDocument, soundDocument),
        fc.array(record, { maxLength: 12 }),
        async (document, records) => {
          const draft = readDraft(document);
          const broken = draft.broken.map((step) => step.id);
          const world = sampleWorld();
          const { problems } = validateFlow(draft.flow, world, { broken });
          for (const problem of problems) {
            expect(problem.message).toMatch(/[.]$/);
            expect(problem.remedy).toMatch(/[.?]$/);
          }
          const { plan } = compileFlow(draft.flow, world, { broken, tolerant: true });
          if (compileFlow(draft.flow, world, { broken }).plan) expect(problems).toEqual([]);
          if (!plan) return;
          expectTopological(plan);
          await push(plan, records);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("many such graphs make a plan, so that the property above says something", () => {
    const documents = fc.sample(soundDocument, 100);
    const plans = documents.map(
      (document) => compileFlow(readDraft(document).flow, sampleWorld(), { tolerant: true }).plan,
    );
    expect(plans.filter((plan) => plan && plan.order.length > 2).length).toBeGreaterThan(60);
  });
});

describe("whatever is sent", () => {
  it("reading it never crashes", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withNullPrototype: true,
          withDate: true,
          withMap: true,
          withBigInt: true,
          withSparseArray: true,
        }),
        (input) => {
          expect(parseFlow(input).ok).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("a good document with something odd in any place is read or refused with problems", () => {
    const paths = ["steps", "links", "settings", "brief", "layout", "assumptions", "name", "format"];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 4 }), (name, odd) => {
        const draft = readDraft(sampleDocument({ [name]: odd }));
        expect(() =>
          publishProblems(draft.flow, sampleWorld(), { broken: draft.broken.map((step) => step.id) }),
        ).not.toThrow();
        for (const problem of draft.problems) expect(problem.message).toMatch(/[.]$/);
      }),
      { numRuns: 300 },
    );
  });

  it("what can be read goes through YAML unchanged, and differs from itself in nothing", () => {
    fc.assert(
      fc.property(fc.oneof(anyDocument, soundDocument), fc.string(), (document, name) => {
        const { flow } = readDraft({ ...document, name: name.trim() === "" ? "x" : name });
        const back = parseFlowText(flowToYaml(flow));
        expect(back).toEqual({ ok: true, flow });
        expect(diffFlows(flow, flow)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
