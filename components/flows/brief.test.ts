import { describe, expect, it } from "vitest";
import { flowSchema } from "../../engine/flow/schema.ts";
import {
  asksForChanges,
  briefQuestions,
  emptyBrief,
  newFlowDocument,
  readDocumentFile,
  scheduleIn,
  suggestions,
} from "./brief.ts";

describe("when a flow runs", () => {
  const zone = "Europe/Berlin";
  it("is read from every suggestion, and from what resembles one", () => {
    expect(suggestions("timing", { connections: [], email: "" }).map((text) => scheduleIn(text, zone))).toEqual([
      {},
      { every: "5m" },
      { every: "1h" },
      { cron: "0 6 * * *", timeZone: zone },
      {},
    ]);
    expect(scheduleIn(" daily at 18:30 ", zone)).toEqual({ cron: "30 18 * * *", timeZone: zone });
  });
  it("is at once where the words ask for that", () => {
    expect(suggestions("timing", { connections: [], email: "" }).filter(asksForChanges)).toEqual([
      "As soon as a record changes",
    ]);
    expect(["real-time", "Realtime", "by hand", "every hour"].map(asksForChanges)).toEqual([true, true, false, false]);
  });
  it("stays open where the words leave it open", () => {
    for (const text of ["", "real-time", "every now and then", "every 0 minutes", "every day at 25:00", "every Monday"])
      expect(scheduleIn(text, zone)).toEqual({});
  });
});

describe("a new flow", () => {
  it("is a document the engine reads, with only what was answered", () => {
    const document = newFlowDocument(" Shop to books ", { ...emptyBrief, timing: " Every hour " });
    expect(flowSchema.parse(document)).toMatchObject({ name: "Shop to books", brief: { timing: "Every hour" } });
    expect(Object.keys(document.brief)).toEqual(["timing"]);
  });
  it("has a suggestion for every question", () => {
    for (const { field } of briefQuestions) {
      expect(suggestions(field, { connections: ["Shop", "Books"], email: "ana@example.com" }).length).toBeGreaterThan(
        0,
      );
    }
    expect(suggestions("moves", { connections: ["Shop"], email: "" })).toEqual([]);
  });
});

describe("a document from a file", () => {
  it("is read from YAML and from JSON", async () => {
    expect(await readDocumentFile("format: plumbline/1\nname: A")).toEqual({ format: "plumbline/1", name: "A" });
    expect(await readDocumentFile('{"name":"A"}')).toEqual({ name: "A" });
  });
  it("is refused with what was expected", async () => {
    await expect(readDocumentFile("- 1\n- 2")).rejects.toThrow(/Expected a flow document with format/);
    await expect(readDocumentFile("a: [1")).rejects.toThrow(/cannot be read/);
  });
});
