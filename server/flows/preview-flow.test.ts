import { describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { compileFlow } from "../../engine/flow/compile.ts";
import { parseFlow } from "../../engine/flow/read-draft.ts";
import type { FlowWorld } from "../../engine/steps/define-step.ts";
import { findIn } from "../../engine/steps/testing.ts";
import { previewAt } from "./preview-flow.ts";

const world: FlowWorld = {
  connections: new Map([["shop", { name: "shop", connector: "http", unavailable: "not asked" }]]),
};

/** orders → branch (gold, else) → both lead to one map */
const document = {
  format: "plumbline/1",
  name: "Tiers",
  steps: [
    { id: "orders", kind: "read", connection: "shop", stream: "orders" },
    { id: "tier", kind: "branch", branches: [{ port: "gold", where: "total > 100" }] },
    { id: "name", kind: "map", fields: [{ to: "name", from: "name" }] },
    { id: "unique", kind: "dedupe", keys: ["name"] },
    {
      id: "city",
      kind: "lookup",
      connection: "shop",
      stream: "customers",
      match: { name: "name" },
      take: [{ to: "city", from: "city" }],
    },
  ],
  links: [
    { from: "orders", to: "tier" },
    { from: "tier", port: "gold", to: "name" },
    { from: "tier", port: "else", to: "name" },
    { from: "name", to: "unique" },
    { from: "name", to: "city" },
  ],
};
const records: JsonRecord[] = [
  { id: 1, name: "Ana", total: 50 },
  { id: 2, name: "Bo", total: 500 },
  { id: 3, name: "Ana", total: 900 },
];

const customers = { find: findIn([{ name: "Ana", city: "Porto" }]) };

async function preview(stepId: string) {
  const parsed = parseFlow(document);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("\n"));
  const { plan, problems } = compileFlow(parsed.flow, world, { upTo: stepId, tolerant: true });
  const step = plan?.steps.get(stepId);
  if (!plan || !step) throw new Error(problems.map(({ message }) => message).join("\n"));
  return previewAt(plan, step, { records, unreadable: [] }, new AbortController().signal, customers);
}

describe("the preview at a step", () => {
  it("looks up real records", async () => {
    const by = Object.groupBy(await preview("city"), ({ before }) => String(before?.name));
    expect(by.Ana?.map(({ after }) => after)).toEqual(Array(2).fill({ name: "Ana", city: "Porto" }));
    expect(by.Bo?.[0]?.ended).toMatchObject({ outcome: "dead", field: "name" });
  });

  it("says by which port each record leaves a branch", async () => {
    expect((await preview("tier")).map(({ before, port }) => [before.id, port])).toEqual([
      [1, "else"],
      [2, "gold"],
      [3, "gold"],
    ]);
  });

  it("sets what leaves beside what entered, also where links come together", async () => {
    const pairs = (await preview("name")).map(({ before, after }) => [before.name, after?.name]);
    expect(pairs.sort()).toEqual([
      ["Ana", "Ana"],
      ["Ana", "Ana"],
      ["Bo", "Bo"],
    ]);
  });

  it("shows why a record goes no further", async () => {
    expect((await preview("unique")).map(({ ended }) => ended?.outcome).sort()).toEqual([
      "duplicate",
      undefined,
      undefined,
    ]);
  });

  it("of the source shows the records and what could not be read", async () => {
    const parsed = parseFlow(document);
    if (!parsed.ok) throw new Error("the document does not parse");
    const { plan } = compileFlow(parsed.flow, world, { upTo: "orders", tolerant: true });
    if (!plan) throw new Error("no plan");
    const failure = { kind: "rejected" as const, code: "csv-columns", message: "expected 3 columns, found 4" };
    const sample = { records, unreadable: [{ key: "line 9", data: { text: "a;b;c;d" }, failure }] };
    const shown = await previewAt(plan, plan.trigger, sample, new AbortController().signal, customers);
    expect(shown).toHaveLength(4);
    expect(shown[3]).toEqual({
      key: "line 9",
      before: { text: "a;b;c;d" },
      after: null,
      ended: { outcome: "dead", message: failure.message },
    });
  });
});
