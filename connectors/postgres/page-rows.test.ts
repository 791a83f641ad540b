import { describe, expect, it } from "vitest";
import { pagesOf } from "./page-rows.ts";
import type { Row } from "./transaction.ts";

/** A cursor over rows of these sizes, and what it was asked for. */
function cursorOver(sizes: number[]) {
  const rows = sizes.map((size): Row => ["x".repeat(size), null]);
  const asked: number[] = [];
  const read = async (count: number) => {
    asked.push(count);
    return rows.splice(0, count);
  };
  return { cursor: { read } as Parameters<typeof pagesOf>[0], asked };
}

async function pageSizes(sizes: number[], pageSize: number) {
  const { cursor, asked } = cursorOver(sizes);
  const next = pagesOf(cursor, pageSize);
  const pages: number[] = [];
  for (;;) {
    const { rows, last } = await next();
    pages.push(rows.length);
    if (last) return { pages, asked };
  }
}

describe("pages of a cursor", () => {
  it("hold as many small rows as wanted, one question a page once their size is known", async () => {
    const { pages, asked } = await pageSizes(new Array(2_500).fill(100), 1_000);
    expect(pages).toEqual([1_000, 1_000, 500]);
    expect(asked).toEqual([50, 950, 1_000, 1_000]);
  });

  it("hold few large rows", async () => {
    const { pages } = await pageSizes(new Array(100).fill(1_000_000), 1_000);
    expect(pages[0]).toBe(50); // their size was not known yet
    expect(Math.max(...pages.slice(1))).toBe(8);
    expect(pages.reduce((sum, rows) => sum + rows)).toBe(100);
  });

  it("go on with one row at a time when each is larger than a page", async () => {
    const { pages } = await pageSizes(new Array(53).fill(9_000_000), 1_000);
    expect(pages).toEqual([50, 1, 1, 1, 0]);
  });

  it("end with an empty page when the rows were used up exactly, and of nothing at once", async () => {
    expect((await pageSizes(new Array(1_000).fill(10), 1_000)).pages).toEqual([1_000, 0]);
    expect((await pageSizes([], 1_000)).pages).toEqual([0]);
  });
});
