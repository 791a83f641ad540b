import { describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { checkStep } from "./check/check-step.ts";
import { dedupeStep } from "./dedupe/dedupe-step.ts";
import type { StepExecutor } from "./define-step.ts";
import { OPEN } from "./shape.ts";
import { memoryContext } from "./testing.ts";

const site = { input: OPEN, world: { connections: new Map() } };

/** Which of the records of each page passed, by their number. */
async function passed(execute: StepExecutor, pages: JsonRecord[][]): Promise<unknown[][]> {
  const context = memoryContext();
  const result: unknown[][] = [];
  for (const records of pages) {
    const { out } = await execute({ records, origins: records.map((_, index) => index) }, context);
    result.push(out.out!.records.map(({ n }) => n));
  }
  return result;
}

describe("what steps remember from page to page", () => {
  it("a key let through on one page is a duplicate on the next", async () => {
    const execute = dedupeStep.compile!({ ...site, step: { id: "d", kind: "dedupe", keys: ["email"] } });
    const pages = [
      [
        { n: 1, email: "a" },
        { n: 2, email: "b" },
      ],
      [
        { n: 3, email: "b" },
        { n: 4, email: "c" },
      ],
    ];
    expect(await passed(execute, pages)).toEqual([[1, 2], [4]]);
  });

  it("a value is taken only by a record that keeps all other rules", async () => {
    const rules = [
      { field: "email", unique: true },
      { field: "total", min: 0 },
    ];
    const execute = checkStep.compile!({ ...site, step: { id: "c", kind: "check", rules } });
    const pages = [
      [
        { n: 1, email: "a", total: -1 },
        { n: 2, email: "a", total: 1 },
      ],
      [
        { n: 3, email: "a", total: 1 },
        { n: 4, email: "", total: 1 },
      ],
    ];
    expect(await passed(execute, pages)).toEqual([[2], [4]]);
  });
});
