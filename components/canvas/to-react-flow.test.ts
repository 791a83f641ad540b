import { describe, expect, test } from "vitest";
import type { Flow } from "../../engine/flow/schema.ts";
import { arrange, placeAfter } from "./arrange.ts";
import { fromReactFlow, keepUnchanged, linkOf, toReactFlow } from "./to-react-flow.ts";

const flow: Flow = {
  format: "plumbline/1",
  name: "Orders",
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders" },
    { id: "check", kind: "check", rules: [{ field: "email", is: "email" }], otherwise: "port" },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: [] },
    { id: "bad", kind: "write", title: "The bad ones", connection: "Books", sink: "refused", operation: "insert" },
  ],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "books" },
    { from: "check", to: "bad", port: "failed" },
  ],
  layout: { orders: [0, 0], check: [272, 0], books: [544, 0], bad: [544, 130] },
};

describe("a flow and its picture", () => {
  test("links and positions survive the way there and back", () => {
    const { links, layout } = fromReactFlow(toReactFlow(flow));
    expect(links).toEqual(flow.links);
    expect(layout).toEqual(flow.layout);
  });

  test("cards carry the user's words, one line and only the ports a step has", () => {
    const { nodes } = toReactFlow(flow);
    expect(nodes.map(({ data }) => data.title)).toEqual(["Shop · orders", "Check", "Books · invoices", "The bad ones"]);
    expect(nodes.map(({ data }) => data.ports.map(({ name }) => name))).toEqual([["out"], ["out", "failed"], [], []]);
    expect(nodes.map(({ data }) => data.takesIn)).toEqual([false, true, true, true]);
  });

  test("a link names its port only where there is a choice, and counts what left by it", () => {
    const counts = { in: 412, out: 400, dead: 0, ports: { out: 400, failed: 12 } };
    const { edges } = toReactFlow(flow, { check: { counts } }, { running: true, dry: false });
    expect(edges.map(({ data }) => data?.title)).toEqual(["", "Passed", "Failed"]);
    expect(edges.map(({ data }) => data?.count)).toEqual([null, 400, 12]);
  });

  test("links that lead nowhere, and repeated ones, are not drawn", () => {
    const links = [...flow.links, { from: "orders", to: "gone" }, { from: "orders", to: "check" }];
    expect(toReactFlow({ ...flow, links }).edges).toHaveLength(3);
  });

  test("a line drawn from the plain port has no port in the document", () => {
    expect(linkOf({ source: "a", target: "b", sourceHandle: "out" })).toEqual({ from: "a", to: "b" });
    expect(linkOf({ source: "a", target: "b", sourceHandle: "failed" })).toEqual({
      from: "a",
      to: "b",
      port: "failed",
    });
  });

  test("unchanged cards stay the same objects; a card in the hand stays where it is", () => {
    const before = toReactFlow(flow).nodes;
    const after = toReactFlow({ ...flow, steps: flow.steps.map((s) => (s.id === "bad" ? { ...s, title: "B" } : s)) });
    const kept = keepUnchanged(before, after.nodes);
    expect(kept[0]).toBe(before[0]);
    expect(kept[3]).not.toBe(before[3]);
    const held = before.map((node) =>
      node.id === "books" ? { ...node, dragging: true, position: { x: 9, y: 9 } } : node,
    );
    expect(keepUnchanged(held, toReactFlow(flow).nodes)[2]?.position).toEqual({ x: 9, y: 9 });
  });
});

describe("where steps stand", () => {
  test("steps without a position are arranged from left to right and never on each other", () => {
    const places = arrange({ ...flow, layout: {} }, "missing");
    expect(places.orders![0]).toBeLessThan(places.check![0]);
    expect(places.check![0]).toBeLessThan(places.books![0]);
    expect(places.books).not.toEqual(places.bad);
  });

  test("what leaves by the upper port stands above what leaves by the lower one", () => {
    const links = [flow.links[0]!, flow.links[2]!, flow.links[1]!];
    for (const one of [flow.links, links]) {
      const places = arrange({ ...flow, links: one, layout: {} }, "all");
      expect(places.books![1]).toBeLessThan(places.bad![1]);
    }
  });

  test("those that have a position keep it", () => {
    const { bad, ...layout } = flow.layout!;
    const places = arrange({ ...flow, layout }, "missing");
    expect(places.check).toEqual([272, 0]);
    expect(places.bad![1]).toBeGreaterThan(84);
  });

  test("a new step goes to the right of the chosen one, below what is there", () => {
    expect(placeAfter({ steps: [], links: [] }, null)).toEqual([0, 0]);
    expect(placeAfter(flow, "orders")).toEqual([264, 128]);
    expect(placeAfter(flow, "books")).toEqual([808, 0]);
  });
});
