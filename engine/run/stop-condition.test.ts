import { describe, expect, it } from "vitest";
import { eventsStopped, runStopped, stopCondition } from "./stop-condition.ts";

const at = (dead: number | `${number}%`) => stopCondition({ stopAt: { dead } });

describe("a stop condition", () => {
  it.each([
    [at("20%"), { read: 10, dead: 1 }, null],
    [
      at("20%"),
      { read: 10, dead: 2 },
      "Stopped: 2 of 10 records failed, and the flow is set to stop at 20 % of the records.",
    ],
    [at(3), { read: 10, dead: 2 }, null],
    [at(3), { read: 10_000, dead: 3 }, "Stopped: 3 of 10000 records failed, and the flow is set to stop at 3 records."],
    [stopCondition({}), { read: 10, dead: 10 }, null],
  ])("%j of a run with %j", (stop, counts, message) => {
    const stopped = runStopped(stop, counts);
    if (message === null) expect(stopped).toBeNull();
    else expect(stopped?.message).toContain(message);
  });

  it("of a flow of events takes no share of a handful of them, but a number at once", () => {
    expect(eventsStopped(at("20%"), { read: 19, dead: 19 })).toBeNull();
    expect(eventsStopped(at("20%"), { read: 20, dead: 4 })?.message).toContain("4 of the last 20 records");
    expect(eventsStopped(at(1), { read: 1, dead: 1 })).toMatchObject({ code: "stop-condition" });
  });
});
