import { expect, it } from "vitest";
import { outageSentence, withoutName } from "./outage-words.ts";

const outage = {
  connectionId: "con_1",
  connectionName: "Books",
  since: "2026-11-23T14:02:11Z",
  reason: "…",
  waitingRuns: 2,
  waitingRecords: 312,
  nextTryAt: "2026-11-23T14:10:40Z",
};
const now = new Date("2026-11-23T14:10:00Z");

it("says since when, how many records wait, and when it is tried again", () => {
  expect(outageSentence(outage, now, "UTC")).toBe(
    "Books is not answering since 14:02, 312 records are waiting, next try in 40 s.",
  );
});

it("counts runs when no record was read yet, and says nothing of what does not wait", () => {
  expect(outageSentence({ ...outage, waitingRecords: 0 }, now, "UTC")).toContain("2 runs are waiting");
  expect(outageSentence({ ...outage, waitingRecords: 0, waitingRuns: 0 }, now, "UTC")).toBe(
    "Books is not answering since 14:02, next try in 40 s.",
  );
  expect(outageSentence({ ...outage, waitingRecords: 1 }, now, "UTC")).toContain("1 record is waiting");
});

it("names the day when it was another, and says when it is being tried", () => {
  expect(
    outageSentence({ ...outage, since: "2026-11-22T09:00:00Z", nextTryAt: "2026-11-23T14:09:59Z" }, now, "UTC"),
  ).toBe("Books is not answering since 22 Nov, 09:00, 312 records are waiting, trying now.");
});

it("what a system said is not introduced twice", () => {
  expect(withoutName("“Books”: Nothing answers at 127.0.0.1:1.", "Books")).toBe("Nothing answers at 127.0.0.1:1.");
  expect(withoutName("Books: 127.0.0.1:1 refuses connections.", "Books")).toBe("127.0.0.1:1 refuses connections.");
  expect(withoutName("It refuses “Books”: no.", "Books")).toBe("It refuses “Books”: no.");
});
