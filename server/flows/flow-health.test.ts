import { expect, test } from "vitest";
import type { RunSummary } from "../trpc/contract/runs.ts";
import { healthOf } from "./flow-health.ts";

const none = { created: 0, updated: 0, deleted: 0, unchanged: 0, held: 0 };

/** The text of a flow whose last run ended well with these counts. */
const said = (counts: Partial<typeof none>) =>
  healthOf({
    liveVersion: 1,
    paused: false,
    openLetters: 0,
    nextRunAt: null,
    brokenConnection: null,
    lastRun: { state: "succeeded", kind: "flow", counts: { ...none, ...counts } } as RunSummary,
  }).healthText;

test("what the last run wrote is told with what it holds back", () => {
  expect(said({ created: 3, updated: 1 })).toBe("The last run wrote 4 records.");
  expect(said({ unchanged: 9 })).toBe("The last run wrote nothing: all was up to date.");
  expect(said({})).toBe("The last run wrote nothing.");
  expect(said({ held: 31 })).toBe("The last run wrote nothing and holds 31 records back.");
  expect(said({ created: 2, held: 1 })).toBe("The last run wrote 2 records and holds 1 record back.");
});

test("a system that is down makes a flow wait; one that refuses us needs somebody", () => {
  const flow = { liveVersion: 1, paused: false, openLetters: 0, nextRunAt: null, lastRun: null };
  expect(healthOf({ ...flow, brokenConnection: { name: "Books", state: "unreachable" } })).toEqual({
    health: "waiting",
    healthText: "“Books” does not answer; runs wait for it.",
  });
  expect(healthOf({ ...flow, brokenConnection: { name: "Books", state: "refused" } })).toEqual({
    health: "attention",
    healthText: "“Books” refuses the stored credentials.",
  });
});
