import { describe, expect, it } from "vitest";
import { parseFlow, readDraft } from "./read-draft.ts";
import { checkOrders, mapInvoice, readOrders, sampleDocument } from "./testing.ts";

/** The problems of a document, as one text each. */
function problemsOf(input: unknown): string[] {
  const parsed = parseFlow(input);
  return parsed.ok
    ? []
    : parsed.problems.map(({ step, field, message, remedy }) => `${step}|${field ?? ""}|${message} ${remedy}`);
}

function withStep(step: unknown): unknown {
  return sampleDocument({ steps: [step], links: [], layout: undefined });
}

describe("a flow document", () => {
  it("is read as it is written", () => {
    const document = sampleDocument();
    const parsed = parseFlow(document);
    expect(parsed.ok && parsed.flow).toEqual(document);
  });

  it("needs neither brief nor layout nor settings", () => {
    expect(problemsOf({ format: "plumbline/1", name: "Small" })).toEqual([]);
  });

  it.each([null, undefined, 7, "text", [], true, () => 1, Symbol("s"), 10n, new Date(), new Map()])(
    "that is %s is refused with a sentence",
    (input) => {
      const problems = problemsOf(input);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/^\|\|Flow: expected/);
    },
  );
});

describe("a problem", () => {
  it("names an unknown setting and the nearest known one", () => {
    expect(problemsOf(withStep({ ...readOrders, streem: "orders" }))).toEqual([
      "orders|streem|Step “orders”, field “streem”: there is no setting of the name “streem” here. Did you mean “stream”?",
    ]);
  });

  it("knows the words of other products", () => {
    const [first] = problemsOf(withStep({ ...readOrders, table: "orders" }));
    expect(first).toContain("Did you mean “stream”?");
    expect(problemsOf(sampleDocument({ nodes: [] }))[0]).toContain("Did you mean “steps”?");
  });

  it("says what was expected, what was found and where, deep inside a step", () => {
    const rules = [
      { field: "email", is: "emial" },
      { field: "total", min: "" },
    ];
    expect(problemsOf(withStep({ ...checkOrders, rules }))).toEqual([
      expect.stringMatching(
        /^check\|rules\[0\]\.is\|Step “check”, field “rules\[0\]\.is”: expected one of .*, found text "emial"\. Did you mean “email”\?$/,
      ),
      "check|rules[1].min|Step “check”, field “rules[1].min”: expected a number or a date, found empty text. Correct “min”.",
    ]);
  });

  it("names the target field of a mapping that cannot be read", () => {
    const map = { id: "m", kind: "map", fields: [{ to: "customer", formula: "" }, { formula: "1" }] };
    const { problems } = readDraft(withStep(map));
    expect(problems.filter(({ step }) => step === "m")).toMatchObject([
      { field: "customer", message: expect.stringContaining("fields[0].formula") },
      { field: "fields[1].to" },
    ]);
  });

  it("says what is missing", () => {
    const { stream: _, ...rest } = readOrders;
    expect(problemsOf(withStep(rest))).toEqual([
      "orders|stream|Step “orders”, field “stream”: expected text, found nothing. Add “stream”.",
    ]);
  });

  it("shows how a duration is written", () => {
    expect(problemsOf(withStep({ ...readOrders, every: "5 minutes" }))[0]).toContain(
      'expected a duration such as "30s", "5m", "24h" or "7d", found text "5 minutes"',
    );
  });

  it("tells an unknown step kind from one of a later version", () => {
    expect(problemsOf(withStep({ id: "x", kind: "reed" }))[0]).toContain("Did you mean “read”?");
    expect(problemsOf(withStep({ id: "x", kind: "message" }))[0]).toContain("not available in this version");
    expect(problemsOf(withStep({ id: "x", kind: "constructor" }))[0]).toContain("expected one of");
  });

  it("of the settings and links names their place", () => {
    const settings = { retry: { attempts: 0 }, stopAt: { dead: "200%" }, timeZone: "Europe/Berlyn", pageSize: 1.5 };
    const text = problemsOf(sampleDocument({ settings })).join("\n");
    expect(text).toContain("settings.retry.attempts”: expected 1 or more, found number 0");
    expect(text).toContain("settings.stopAt.dead”: expected");
    expect(text).toContain("settings.timeZone”: expected a time zone such as Europe/Berlin");
    expect(text).toContain("settings.pageSize");
    expect(problemsOf(sampleDocument({ links: [{ from: "a", too: "b" }] })).join("\n")).toContain("links[0].to");
  });
});

describe("a hostile document", () => {
  it("that is nested too deep is refused", () => {
    let deep: unknown = [];
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(problemsOf(sampleDocument({ brief: deep }))[0]).toContain("expected at most 64 levels");
  });

  it("that holds itself is refused", () => {
    const document = sampleDocument();
    document.settings = document;
    expect(problemsOf(document)[0]).toContain("found a value that holds itself");
  });

  it("with names of the language's own does not reach what objects inherit", () => {
    const text = JSON.stringify(sampleDocument()).replace('"settings":{', '"settings":{"__proto__":{"polluted":1},');
    expect(problemsOf(JSON.parse(text))[0]).toContain("“__proto__”, which is not allowed");
    expect(problemsOf(withStep({ ...readOrders, id: "constructor" }))[0]).toContain("expected an id");
    expect(problemsOf(sampleDocument({ layout: { toString: [0, 0] } }))[0]).toContain("layout.toString");
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("with a million entries is refused quickly", () => {
    const started = performance.now();
    expect(problemsOf(sampleDocument({ steps: new Array(1_000_000).fill(0) }))[0]).toContain(
      "expected at most 300000 entries",
    );
    expect(problemsOf(sampleDocument({ steps: new Array(100_000).fill({ a: 1 }) })).length).toBeLessThan(300);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it("whose reading throws is refused", () => {
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    expect(problemsOf(trap)[0]).toContain("cannot be read");
  });
});

describe("a draft", () => {
  it("keeps the steps that are valid and the others as they came", () => {
    const raw = { ...checkOrders, rules: "none", title: "Check them" };
    const draft = readDraft(sampleDocument({ steps: [readOrders, raw, mapInvoice, "what"] }));
    expect(draft.flow.steps.map(({ id }) => id)).toEqual(["orders", "invoice"]);
    expect(draft.broken).toEqual([
      { id: "check", kind: "check", title: "Check them", raw },
      { id: "steps[3]", raw: "what" },
    ]);
    expect(draft.problems.map(({ step }) => step)).toEqual(["check", "steps[3]"]);
    expect(draft.flow.links).toHaveLength(3);
  });

  it("keeps the settings that are valid", () => {
    const draft = readDraft(
      sampleDocument({ settings: { order: "by-kee", pageSize: 500 }, brief: { moves: "x", who: 1 } }),
    );
    expect(draft.flow.settings).toEqual({ pageSize: 500 });
    expect(draft.flow.brief).toEqual({ moves: "x" });
    expect(draft.problems).toHaveLength(2);
  });
});
