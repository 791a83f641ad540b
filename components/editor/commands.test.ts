import { describe, expect, test } from "vitest";
import type { Flow, Step } from "../../engine/flow/schema.ts";
import { applyCommand, canLink, freshId, whyNotLink } from "./commands.ts";
import { historyReducer, newHistory } from "./history.ts";

const read: Step = { id: "orders", kind: "read", connection: "Shop", stream: "orders" };
const check: Step = { id: "check", kind: "check", rules: [] };
const map: Step = { id: "map", kind: "map", fields: [] };
const write: Step = { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert" };
const empty: Flow = { format: "plumbline/1", name: "Orders", steps: [], links: [] };
const flow: Flow = {
  ...empty,
  steps: [read, check, write],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "books" },
  ],
  layout: { orders: [0, 0], check: [272, 0], books: [544, 0] },
};

describe("commands", () => {
  test("a step added behind a step is linked to it", () => {
    const one = applyCommand(empty, { type: "addStep", step: read, at: [0, 0] });
    const two = applyCommand(one, { type: "addStep", step: check, at: [272, 0], after: "orders" });
    expect(two.links).toEqual([{ from: "orders", to: "check" }]);
    expect(two.layout).toEqual({ orders: [0, 0], check: [272, 0] });
  });

  test("a middle step added where something follows goes between, and what follows makes room", () => {
    const { links, layout } = applyCommand(flow, { type: "addStep", step: map, at: [544, 0], after: "check" });
    expect(links).toEqual([
      { from: "orders", to: "check" },
      { from: "check", to: "map" },
      { from: "map", to: "books" },
    ]);
    expect(layout?.books).toEqual([808, 0]);
    expect(layout?.check).toEqual([272, 0]);
  });

  test("a trigger is never linked behind another step, and nothing behind a write", () => {
    const other: Step = { ...read, id: "again" };
    expect(applyCommand(flow, { type: "addStep", step: other, at: [0, 0], after: "check" }).links).toEqual(flow.links);
    expect(applyCommand(flow, { type: "addStep", step: map, at: [0, 0], after: "books" }).links).toEqual(flow.links);
  });

  test("a step dropped on a link goes into it, right of where the link begins", () => {
    const onto = { from: "orders", to: "check" };
    const { links, layout } = applyCommand(flow, { type: "addStep", step: map, at: [150, 10], onto });
    expect(links).toEqual([
      { from: "check", to: "books" },
      { from: "orders", to: "map" },
      { from: "map", to: "check" },
    ]);
    expect(layout).toEqual({ orders: [0, 0], map: [264, 10], check: [528, 0], books: [800, 0] });
    const end: Step = { ...write, id: "other" };
    expect(applyCommand(flow, { type: "addStep", step: end, at: [0, 0], onto }).links).toEqual(flow.links);
  });

  test("a removed step takes its links and its place with it, and leaves no gap", () => {
    const after = applyCommand(flow, { type: "removeSteps", ids: ["check"] });
    expect(after.steps.map(({ id }) => id)).toEqual(["orders", "books"]);
    expect(after.links).toEqual([{ from: "orders", to: "books" }]);
    expect(after.layout).toEqual({ orders: [0, 0], books: [544, 0] });
    expect(applyCommand(flow, { type: "removeSteps", ids: ["check", "books"] }).links).toEqual([]);
    expect(applyCommand(flow, { type: "removeSteps", ids: ["orders", "check"] }).links).toEqual([]);
    const cut = applyCommand(flow, { type: "removeSteps", ids: ["check"], links: [{ from: "orders", to: "check" }] });
    expect(cut.links).toEqual([]);
  });

  test("where several links meet in a removed step, none is made up", () => {
    const other: Step = { ...write, id: "other" };
    const fork: Flow = {
      ...flow,
      steps: [...flow.steps, other],
      links: [...flow.links, { from: "check", to: "other" }],
    };
    expect(applyCommand(fork, { type: "removeSteps", ids: ["check"] }).links).toEqual([]);
  });

  test("a link is drawn once, never in a circle, never into a trigger", () => {
    expect(canLink(flow, { from: "orders", to: "check" })).toBe(false);
    expect(canLink(flow, { from: "orders", to: "books" })).toBe(true);
    expect(canLink({ ...flow, steps: [...flow.steps, map] }, { from: "map", to: "orders" })).toBe(false);
    const loop: Flow = { ...flow, steps: [read, check, map], links: [{ from: "check", to: "map" }] };
    expect(canLink(loop, { from: "map", to: "check" })).toBe(false);
    expect(whyNotLink(loop, { from: "map", to: "check" })).toMatch(/“Check” comes before “Map”.*circle/);
    expect(whyNotLink(flow, { from: "orders", to: "check" })).toBe("“Shop · orders” leads to “Check” already.");
    expect(canLink(flow, { from: "check", to: "books", port: "failed" })).toBe(false);
  });

  test("links by a port a step no longer has go with the port", () => {
    const branched = applyCommand(flow, { type: "updateStep", step: { ...check, otherwise: "port" } as Step });
    const linked = applyCommand(branched, { type: "linkSteps", link: { from: "check", to: "books", port: "failed" } });
    expect(linked.links).toHaveLength(3);
    expect(applyCommand(linked, { type: "updateStep", step: check }).links).toEqual(flow.links);
  });

  test("what does nothing gives the same flow, so there is nothing to undo", () => {
    expect(applyCommand(flow, { type: "moveSteps", layout: { orders: [0, 0], gone: [1, 1] } })).toBe(flow);
    expect(applyCommand(flow, { type: "unlink", link: { from: "a", to: "b" } })).toBe(flow);
    expect(applyCommand(flow, { type: "renameFlow", name: "  " })).toBe(flow);
  });

  test("ids can be read, are free, and hold only what an id may hold", () => {
    expect(freshId(flow, "Rechnungen für Büro")).toBe("rechnungen-fur-buro");
    expect(freshId(flow, "orders")).toBe("orders-2");
    expect(freshId(flow, "…")).toBe("step");
    expect(freshId(flow, "constructor")).toBe("constructor-2");
  });
});

describe("undo and redo", () => {
  const done = (command: Parameters<typeof applyCommand>[1], at = 0) => ({ type: "do", command, at }) as const;

  test("goes back step by step and forward again, until something new is done", () => {
    let history = newHistory(flow);
    history = historyReducer(history, done({ type: "removeSteps", ids: ["check"] }));
    history = historyReducer(history, done({ type: "removeSteps", ids: ["books"] }));
    expect(history.now.steps).toHaveLength(1);
    history = historyReducer(history, { type: "undo" });
    expect(history.now.steps).toHaveLength(2);
    history = historyReducer(history, { type: "undo" });
    expect(history.now).toBe(flow);
    expect(historyReducer(history, { type: "undo" })).toBe(history);
    history = historyReducer(history, { type: "redo" });
    expect(history.now.steps).toHaveLength(2);
    history = historyReducer(history, done({ type: "renameFlow", name: "Other" }));
    expect(history.future).toEqual([]);
  });

  test("letters typed without a pause are one step; after a pause, or in another field, a new one begins", () => {
    const type = (text: string, at: number, typing = "moves") =>
      done({ type: "setBrief", brief: { moves: text }, typing }, at);
    let history = newHistory(flow);
    history = historyReducer(history, type("O", 0));
    history = historyReducer(history, type("Or", 300));
    history = historyReducer(history, type("Ord", 900));
    expect(history.past).toHaveLength(1);
    history = historyReducer(history, type("Orde", 9_000));
    expect(history.past).toHaveLength(2);
    history = historyReducer(history, type("x", 9_100, "owner"));
    expect(history.past).toHaveLength(3);
    expect(historyReducer(history, { type: "undo" }).now.brief).toEqual({ moves: "Orde" });
  });
});
