import { expect, it } from "vitest";
import { timingText } from "./timing-text.ts";

it("says in words when a flow starts by itself", () => {
  expect(timingText(null)).toBe("by hand");
  expect(timingText({ kind: "by-hand" })).toBe("by hand");
  expect(timingText({ kind: "every", every: "5m" })).toBe("every 5 minutes");
  expect(timingText({ kind: "every", every: "1d", timeZone: "Europe/Berlin" })).toBe("every day");
  expect(timingText({ kind: "cron", cron: "0 6 * * 1-5" })).toBe("at 0 6 * * 1-5");
  expect(timingText({ kind: "cron", cron: "0 6 * * *", timeZone: "Europe/Berlin" })).toBe(
    "at 0 6 * * * (Europe/Berlin)",
  );
});
