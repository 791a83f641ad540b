/** docs/performance.md: what each benchmark measured when it last ran whole, and which promises of the design that keeps. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { cacheFolder, root } from "./places.mjs";
import { readJson, writeJson } from "./processes.mjs";
import { say } from "./progress.mjs";

/**
 * @typedef {{ work: string, target: string, measured: string, kept: boolean }} Promised
 * @typedef {{ headings: string[], rows: string[][], title?: string, about?: string, promises?: Promised[], limit?: string }} Table as `table` in bench/harness.ts reports it
 * @typedef {{ on: string, tables: Table[] }} Result `on`: day it was measured
 */

const folder = join(cacheFolder, "bench");

/** The lines of DESIGN §10 come first, in its order. */
const order = ["postgres-to-postgres", "webhooks", "tiny-runs", "http-target", "editor", "start"];

/** Keeps what a benchmark reported, until it runs again. @param {string} name @param {string} report its tables, one JSON a line */
export function keepResult(name, report) {
  const tables = readFileSync(report, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  mkdirSync(folder, { recursive: true });
  writeJson(join(folder, `${name}.json`), { on: new Date().toISOString().slice(0, 10), tables });
}

/** Writes the page from the results that are kept. One that lacks some takes the place of none that is there. @param {string[]} names of all benchmarks */
export function writePage(names) {
  const sorted = [...names].sort((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b));
  const results = new Map(sorted.map((name) => [name, /** @type {Result | undefined} */ (readJson(resultFile(name)))]));
  const missing = sorted.filter((name) => !results.get(name));
  const page = join(root, "docs", "performance.md");
  if (missing.length > 0 && existsSync(page)) {
    say(`\ndocs/performance.md is left as it is until these have run as well: ${missing.join(", ")}`);
    return;
  }
  const found = /** @type {[string, Result][]} */ ([...results].filter(([, result]) => result));
  writeFileSync(page, pageText(found, missing));
  say("\nWritten: docs/performance.md");
}

/** @param {string} name */
const resultFile = (name) => join(folder, `${name}.json`);

/** @param {string} name */
function placeOf(name) {
  const place = order.indexOf(name);
  return place < 0 ? order.length : place;
}

/** @param {[string, Result][]} results @param {string[]} missing names of benchmarks without a result @returns {string} */
export function pageText(results, missing = []) {
  const promises = results.flatMap(([, { tables }]) => tables.flatMap((table) => table.promises ?? []));
  const machine = `${availableParallelism()} cores and ${Math.round(totalmem() / 2 ** 30)} GiB of memory, shared by everything measured: PostgreSQL (embedded, with fsync), the processes of Plumbline, and what sends and counts; Node ${process.version}`;
  return `${[
    "# Performance",
    `Written by \`npm run bench\` (what it does: \`bench/README.md\`). Every figure is the median of at least three rounds and stands beside its raw
limit from the same rounds: read the ratios, as absolute figures are those of the machine. This one: ${machine}.`,
    "## What was promised, and what was measured",
    tableText(
      ["work", "target", "measured", "kept"],
      promises.map(({ work, target, measured, kept }) => [work, target, measured, kept ? "yes" : "**no**"]),
    ),
    missing.length > 0 ? `Not measured yet: ${missing.map((name) => `\`npm run bench -- ${name}\``).join(", ")}.` : "",
    ...results.flatMap(([name, { on, tables }]) =>
      tables.flatMap(({ headings, rows, title, about, limit }, index) => [
        title === undefined && index > 0 ? "" : `## ${title ?? name}`,
        about ?? "",
        tableText(headings, rows),
        limit === undefined ? "" : `What sets the limit: ${limit}`,
        index === tables.length - 1 ? `\`npm run bench -- ${name}\`, measured on ${on}.` : "",
      ]),
    ),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

/** @param {string[]} headings @param {string[][]} rows */
function tableText(headings, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}
