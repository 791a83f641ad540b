import { describe, expect, it } from "vitest";
import type { Counts } from "../../server/trpc/contract/runs.ts";
import {
  afterUndo,
  balanceSegments,
  coveredWords,
  nounOf,
  rangeWords,
  runSentence,
  runShort,
  runTitle,
  settled,
  triggerWords,
  undoEffect,
} from "./run-words.ts";

const none: Counts = {
  read: 0,
  created: 0,
  updated: 0,
  deleted: 0,
  unchanged: 0,
  filtered: 0,
  duplicate: 0,
  dead: 0,
  held: 0,
};
const noUndo = { read: 0, restored: 0, conflict: 0, failed: 0 };
const orders = { one: "order", many: "orders" };
const run = (counts: Partial<Counts>, rest: object = {}) => ({
  kind: "flow" as const,
  mode: "live" as const,
  state: "succeeded" as const,
  counts: { ...none, ...counts },
  undoCounts: noUndo,
  ...rest,
});

describe("the sentence of a run", () => {
  it("says of a time that was left out that it was, and not that somebody stopped it", () => {
    const error = {
      code: "skipped-overlap",
      message: "Skipped: run 15 was still at work when the schedule came round.",
    };
    expect(runSentence(run({}, { state: "cancelled", error }), orders)).toBe(
      "Left out: another run was still at work, so no order was read.",
    );
    expect(runSentence(run({}, { state: "cancelled" }), orders)).toBe("Stopped before any order was read.");
  });
  it("says what was read and what became of it", () => {
    expect(runSentence(run({ read: 412, created: 300, updated: 71, unchanged: 29, dead: 12 }), orders)).toBe(
      "412 orders read. 371 written, 29 unchanged, 12 failed.",
    );
  });
  it("says of a dry run what would be", () => {
    expect(runSentence(run({ read: 2, created: 1, dead: 1 }, { mode: "dry" }), orders)).toBe(
      "2 orders read. 1 would be written, 1 would fail.",
    );
  });
  it("says when there was nothing, or nothing yet", () => {
    expect(runSentence(run({}), orders)).toBe("No new orders. Nothing to do.");
    expect(runSentence(run({}, { state: "running" }), orders)).toBe("Looking for orders.");
    expect(runSentence(run({}, { state: "waiting" }), orders)).toBe("Waiting; no order has been read yet.");
    expect(runSentence(run({}, { state: "failed" }), orders)).toBe("Stopped before any order was read.");
  });
  it("says of an undo what went back and what stayed", () => {
    const undoCounts = { read: 371, restored: 368, conflict: 3, failed: 0 };
    const undo = run({}, { kind: "undo", undoCounts });
    expect(runSentence(undo, { one: "invoice", many: "invoices" })).toBe(
      "371 invoices to put back. 368 went back to what they were, 3 changed since, left as they are.",
    );
    const one = { ...undo, undoCounts: { read: 2, restored: 1, conflict: 1, failed: 0 } };
    expect(runSentence(one)).toBe("2 records to put back. 1 went back to what it was, 1 changed since, left as it is.");
    expect(runSentence({ ...undo, mode: "dry" })).toBe(
      "371 records looked at. 368 would go back to what they were, 3 changed since would stay.",
    );
  });
});

describe("the effect of an undo", () => {
  const invoices = { one: "invoice", many: "invoices" };
  it("names what goes back and what stays", () => {
    const counts = { read: 374, restored: 371, conflict: 3, failed: 0 };
    expect(undoEffect(counts, invoices)).toBe("371 invoices go back to what they were; 3 were changed since and stay.");
    expect(undoEffect({ ...counts, conflict: 0, restored: 1 }, invoices)).toBe("1 invoice goes back to what it was.");
    expect(undoEffect({ ...counts, conflict: 1, failed: 2 })).toBe(
      "371 records go back to what they were; 1 was changed since and stays. 2 records cannot be put back.",
    );
  });
  it("says when there is nothing to put back", () => {
    const nothing = { read: 0, restored: 0, conflict: 0, failed: 0 };
    expect(undoEffect(nothing)).toBe("Nothing can go back.");
    expect(undoEffect({ ...nothing, conflict: 1 }, invoices)).toBe(
      "Nothing can go back. 1 invoice was changed since and stays.",
    );
  });
});

describe("the balance", () => {
  it("has one part for every outcome, so that the parts add up to what was read", () => {
    const counts = {
      read: 36,
      created: 1,
      updated: 2,
      deleted: 3,
      unchanged: 4,
      filtered: 5,
      duplicate: 6,
      dead: 7,
      held: 8,
    };
    const parts = balanceSegments(run(counts));
    expect(parts.reduce((sum, part) => sum + part.value, 0)).toBe(36);
    expect(settled(run(counts))).toBe(36);
    expect(new Set(parts.map((part) => part.label)).size).toBe(parts.length);
  });
  it("of an undo counts what was restored, left and refused", () => {
    const undo = run({}, { kind: "undo", undoCounts: { read: 6, restored: 3, conflict: 2, failed: 1 } });
    expect(balanceSegments(undo).map((part) => part.value)).toEqual([3, 2, 1]);
    expect(settled(undo)).toBe(6);
  });
  it("shows a dry run in violet, never as written", () => {
    const parts = balanceSegments(run({ read: 1, created: 1 }, { mode: "dry" }));
    expect(parts.map((part) => part.tone)).not.toContain("ok");
    expect(parts[0]).toMatchObject({ label: "would be created", tone: "dry" });
  });
});

describe("the noun", () => {
  it.each([
    ["orders", "order", "orders"],
    ["sales.order_lines", "order line", "order lines"],
    ["price-entries.csv", "price entry", "price entries"],
    ["staff", "record", "records"],
    ["address", "record", "records"],
  ])("of the stream %s", (stream, one, many) => {
    expect(nounOf({ steps: [{ kind: "read", stream }] })).toEqual({ one, many });
  });
  it("of an undo is what was written, when there is one place it went to", () => {
    const write = { kind: "write", sink: "invoices" };
    expect(nounOf({ steps: [{ kind: "read", stream: "orders" }, write] }, "written").many).toBe("invoices");
    expect(nounOf({ steps: [write, { kind: "write", sink: "parties" }] }, "written").many).toBe("records");
  });
  it("is “records” for a document without a reading step", () => {
    expect(nounOf(null).many).toBe("records");
    expect(nounOf({ steps: [{ kind: "webhook" }] }).many).toBe("records");
  });
});

it("who or what started a run is said once", () => {
  expect(triggerWords({ trigger: "webhook", startedBy: "webhook" })).toBe("by a webhook");
  expect(triggerWords({ trigger: "webhook", startedBy: "ana@example.com" })).toBe("by a webhook, by ana@example.com");
  expect(triggerWords({ trigger: "manual", startedBy: "ana@example.com" })).toBe("by ana@example.com");
});

it("a run is called by what it is", () => {
  expect(runTitle({ id: "118", kind: "flow", mode: "live" })).toBe("Run 118");
  expect(runTitle({ id: "119", kind: "flow", mode: "dry" })).toBe("Dry run 119");
  expect(runTitle({ id: "120", kind: "undo", mode: "live", parentId: "118" })).toBe("Undo 120 of run 118");
  expect(runTitle({ id: "121", kind: "undo", mode: "dry", since: "2026-11-23T14:02:00Z" })).toMatch(
    /^Preview of undo 121 of all runs since 2\d Nov, \d\d:\d2$/,
  );
  expect(runShort({ id: "120", kind: "undo", mode: "live" })).toBe("Undo 120");
  expect(runShort({ id: "121", kind: "undo", mode: "dry" })).toBe("Preview 121");
});

it("an undo that is covered by an undo since a moment says what becomes of it", () => {
  const undo = { kind: "undo", parentId: "117", since: null } as const;
  expect(coveredWords(undo, new Set(["120", "117"]))).toBe(
    "Run 117 is covered too, so what this undo put back stays put back.",
  );
  expect(coveredWords(undo, new Set(["120"]))).toContain("its records become again what run 117 had made of them");
  expect(coveredWords({ ...undo, kind: "replay", parentId: null }, new Set())).toBeUndefined();
});

it("says which past range a run reads", () => {
  expect(rangeWords({ from: "2026-03-01", until: "2026-03-31" })).toBe(
    "a past range: after 2026-03-01 up to 2026-03-31",
  );
  expect(rangeWords({ until: "2026-03-01T07:30:00.000Z" }, "UTC")).toBe("a past range: up to 1 Mar, 07:30");
  expect(rangeWords({ from: "2026-03-01T07:29:59.999Z" }, "UTC")).toBe("a past range: from 1 Mar, 07:30");
  expect(rangeWords({ from: 99 })).toBe("a past range: after 99");
});

describe("what an undo leaves as it is", () => {
  const reads = (sync?: string) => ({ steps: [{ kind: "map" }, { kind: "read", ...(sync && { sync }) }] });
  it("is where the flow goes on", () => {
    expect(afterUndo(reads())).toContain("writes these records anew");
    expect(afterUndo(reads("full"))).toContain("writes these records anew");
    for (const sync of ["incremental", "changes"]) expect(afterUndo(reads(sync))).toContain("only when they change");
    expect(afterUndo({ steps: [{ kind: "webhook" }] })).toBeUndefined();
    expect(afterUndo(null)).toBeUndefined();
  });
});
