import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { untar } from "./browser.mjs";
import { countPlaywright, countVitest } from "./test-stages.mjs";

const file = (status: string, tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

it("counts a test file that could not be loaded as a failure", () => {
  const report = { numPassedTests: 2, numFailedTests: 1, numPendingTests: 1, numTodoTests: 0 };
  const testResults = [file("failed", ["passed", "failed"]), file("passed", ["passed"]), file("failed", [])];
  expect(countVitest({ ...report, testResults }, 1)).toEqual({ passed: 2, failed: 2, skipped: 1 });
});

it("counts an exit code without a failed test, and a missing report, as a failure", () => {
  const clean = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  expect(countVitest(clean, 0)).toEqual({ passed: 2, failed: 0, skipped: 0 });
  expect(countVitest(clean, 1)).toEqual({ passed: 2, failed: 1, skipped: 0 });
  expect(countVitest(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countPlaywright(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

it("counts browser tests, and errors outside them", () => {
  const stats = { expected: 3, unexpected: 1, flaky: 1, skipped: 2 };
  expect(countPlaywright({ stats, errors: [{}] }, 1)).toEqual({ passed: 4, failed: 2, skipped: 2 });
});

/** One entry of a POSIX archive, laid out as in the ustar format. */
function entry(name: string, body: string, type = "0"): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000755\0", 100);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write(type, 156);
  header.write("ustar\0", 257);
  const padded = Buffer.alloc(Math.ceil(body.length / 512) * 512);
  padded.write(body);
  return Buffer.concat([header, padded]);
}

it("unpacks an archive, and refuses one that writes outside its folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-untar-"));
  try {
    const long = `fonts/${"a".repeat(120)}.ttf`;
    const archive = [
      entry("lib/", "", "5"),
      entry("lib/a.so", "x".repeat(700)),
      entry("././@LongLink", long, "L"),
      entry("cut", "font"),
      Buffer.alloc(1024),
    ];
    untar(Buffer.concat(archive), folder);
    expect(readFileSync(join(folder, "lib/a.so"), "utf8")).toBe("x".repeat(700));
    expect(readFileSync(join(folder, long), "utf8")).toBe("font");
    expect(() => untar(entry("../outside", "x"), folder)).toThrow(/outside its folder: \.\.\/outside/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
