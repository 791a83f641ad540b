import { describe, expect, test } from "vitest";
import type { SinkInfo } from "../../connectors/sdk/types.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import { type Place, paletteItems, searchPalette, stepOf } from "./palette-items.ts";

const invoices: SinkInfo = {
  name: "invoices",
  title: "invoices",
  fields: [
    { name: "id", type: "integer", required: true, default: true },
    { name: "number", type: "text", required: true },
    { name: "note", type: "text" },
  ],
  open: false,
  matchKeys: [["id"], ["number"]],
  operations: ["insert", "update", "upsert", "delete"],
  batchSize: 1000,
  readBack: true,
  undo: "full",
  idempotencyKeys: false,
  effect: "once",
};
const orders = { name: "orders", title: "orders", fields: [], key: ["id"], watermarks: ["updated_at"], estimate: 5000 };
const places: Place[] = [
  { id: "c1", name: "Shop", connector: "postgres", streams: [orders], sinks: [] },
  { id: "c2", name: "Books", connector: "postgres", streams: [], sinks: [invoices] },
];
const flow: Flow = { format: "plumbline/1", name: "F", steps: [], links: [] };

describe("the palette", () => {
  test("names what it reads and writes apart, and the steps in between", () => {
    const items = paletteItems(places);
    const labels = items.map(({ label }) => label);
    expect(labels.slice(0, 2)).toEqual(["Read Shop · orders", "Write Books · invoices"]);
    expect(labels).toEqual(expect.arrayContaining(["Check", "Filter", "Branch", "Map", "Remove duplicates"]));
    expect(labels).not.toContain("Read");
    expect(items[0]?.hint).toBe("about 5\u202f000 records");
    expect(items[1]?.hint).toBe("3 fields, 1 required");
  });

  test("is searched by every word typed", () => {
    expect(searchPalette(paletteItems(places), "books inv").map(({ title }) => title)).toEqual(["Books · invoices"]);
    expect(searchPalette(paletteItems(places), "shop inv")).toEqual([]);
  });

  test("a write is dropped with an upsert by the key the source can know", () => {
    const [, write] = paletteItems(places);
    expect(stepOf(write!, flow, places)).toEqual({
      id: "invoices",
      kind: "write",
      title: "Books · invoices",
      connection: "Books",
      sink: "invoices",
      operation: "upsert",
      match: ["number"],
    });
  });

  test("a place that is made when it is first written is dropped without a name", () => {
    const files: SinkInfo = { ...invoices, name: "*.csv", title: "New file", names: "csv$", fields: [], open: true };
    const own: Place[] = [{ id: "c3", name: "Files", connector: "csv", streams: [], sinks: [files] }];
    const [write] = paletteItems(own);
    expect(write).toMatchObject({ title: "Files · new file", label: "Write Files · new file" });
    expect(stepOf(write!, flow, own)).toMatchObject({ id: "write", connection: "Files", sink: "" });
  });

  test("a second step of a kind has a title and an id of its own", () => {
    const check = paletteItems(places).find(({ kind }) => kind === "check")!;
    const first = stepOf(check, flow, places);
    const second = stepOf(check, { ...flow, steps: [first] }, places);
    expect([first.id, first.title, second.id, second.title]).toEqual(["check", "Check", "check-2", "Check 2"]);
  });

  test("what is read runs when the brief says, where that can be told", () => {
    const [read] = paletteItems(places);
    const brief = { moves: "Orders", timing: "Every 5 minutes" };
    expect(read && stepOf(read, { ...flow, brief }, places)).toMatchObject({ kind: "read", every: "5m" });
    expect(read && stepOf(read, flow, places)).not.toHaveProperty("every");
    const atOnce = { ...flow, brief: { ...brief, timing: "As soon as a record changes" } };
    expect(read && stepOf(read, atOnce, places)).not.toHaveProperty("sync");
    const watched = places.map((place) => ({
      ...place,
      streams: place.streams?.map((stream) => ({ ...stream, watch: { state: "on" as const } })),
    }));
    expect(read && stepOf(read, atOnce, watched as Place[])).toMatchObject({ sync: "changes" });
  });
});
