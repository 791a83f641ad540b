import { describe, expect, it } from "vitest";
import type { RunSummary } from "../../server/trpc/contract/runs.ts";
import type { RunDetail } from "../server/trpc.ts";
import { runLog } from "./run-log.ts";

const summary: RunSummary = {
  id: "118",
  flowId: "f",
  flowName: "Shop orders",
  version: 7,
  kind: "flow",
  mode: "live",
  state: "succeeded",
  trigger: "manual",
  startedBy: "ana@example.com",
  createdAt: "2026-11-23T14:00:00.000Z",
  startedAt: "2026-11-23T14:00:30.000Z",
  finishedAt: "2026-11-23T14:01:42.000Z",
  counts: { read: 0, created: 0, updated: 0, deleted: 0, unchanged: 0, filtered: 0, duplicate: 0, dead: 0, held: 0 },
  undoCounts: { read: 0, restored: 0, conflict: 0, failed: 0 },
  waiting: null,
  error: null,
  parentId: null,
  since: null,
};
const detail = (rest: Partial<RunDetail>): RunDetail => ({
  ...summary,
  steps: [],
  document: {},
  balanced: true,
  letterGroups: [],
  related: [],
  undo: { possible: 0, done: 0, conflict: 0, notPossible: 0 },
  holding: { parked: 0, approvals: 0, waits: 0, nextAt: null, cancelled: 0 },
  range: null,
  flowRemoved: false,
  ...rest,
});

describe("the log of a run", () => {
  it("says who asked, when a worker began, and how long it took", () => {
    expect(runLog(detail({})).map((line) => line.text)).toEqual([
      "Started by ana@example.com.",
      "A worker began, after 30 s in the queue.",
      "Ended after 1 min 12 s.",
    ]);
  });
  it("puts an undo of it after its end", () => {
    const undo: RunSummary = {
      ...summary,
      id: "120",
      kind: "undo",
      parentId: "118",
      createdAt: "2026-11-23T15:00:00.000Z",
    };
    expect(runLog(detail({ related: [undo] })).at(-1)).toMatchObject({
      text: "ana@example.com undid it: Undo 120 of run 118.",
      href: "/runs/120",
    });
  });
  it("says why it stopped", () => {
    const error = { code: "stopped", message: "More than 20% failed." };
    expect(runLog(detail({ state: "failed", error })).at(-1)).toMatchObject({
      text: "Stopped after 1 min 12 s: More than 20% failed.",
      tone: "bad",
    });
  });
});
