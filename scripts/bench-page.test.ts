import { expect, test } from "vitest";
import { pageText } from "./bench-page.mjs";

const table = {
  headings: ["runs", "per second"],
  rows: [
    ["by hand", "900"],
    ["Plumbline", "600"],
  ],
};

test("the page begins with the promises of all benchmarks and then shows each with its limit", () => {
  const promises = [
    { work: "2,000 runs", target: "≥ 500/s", measured: "600/s", kept: true },
    { work: "memory", target: "< 300 MB", measured: "310 MB", kept: false },
  ];
  const text = pageText([
    ["tiny-runs", { on: "2026-11-28", tables: [{ ...table, title: "Tiny runs", promises, limit: "PostgreSQL." }] }],
    ["other", { on: "2026-11-29", tables: [table, table] }],
  ]);
  expect(text).not.toContain("Not measured yet");
  expect(pageText([], ["growth"])).toContain("Not measured yet: `npm run bench -- growth`.");
  expect(text).toContain("| 2,000 runs | ≥ 500/s | 600/s | yes |\n| memory | < 300 MB | 310 MB | **no** |");
  expect(text).toContain(
    "## Tiny runs\n\n| runs | per second |\n| --- | --- |\n| by hand | 900 |\n| Plumbline | 600 |",
  );
  expect(text).toContain("What sets the limit: PostgreSQL.\n\n`npm run bench -- tiny-runs`, measured on 2026-11-28.");
  expect(text.match(/## other/g)).toHaveLength(1);
  expect(text.indexOf("2,000 runs")).toBeLessThan(text.indexOf("## Tiny runs"));
});
