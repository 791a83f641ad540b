/** The stages of `npm test` and how each is counted. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findBrowser } from "./browser.mjs";
import { buildApp, generateClient } from "./build.mjs";
import { checkImports } from "./check-imports.mjs";
import { startPostgres } from "./embedded-postgres.mjs";
import { beforeEnd } from "./ending.mjs";
import { cacheFolder, commandScript, root } from "./places.mjs";
import { identityOf, listFolder, readJson, run, writeJson } from "./processes.mjs";
import { duration, explain, Stop, say } from "./progress.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const reports = join(cacheFolder, "test-reports");

/** @type {Record<string, { title: string, work: () => Promise<Counts> }>} */
const stages = {
  lint: { title: "Lint and import arrows", work: lint },
  types: { title: "Types and unused code", work: types },
  unit: { title: "Unit tests", work: () => vitest("unit", process.env) },
  integration: { title: "Integration tests on PostgreSQL", work: integration },
  browser: { title: "Browser tests", work: browser },
};

/**
 * @param {string[]} wanted names of stages; none means all
 * @returns {Promise<number>} exit code
 */
export async function runStages(wanted) {
  const unknown = wanted.filter((name) => !Object.hasOwn(stages, name));
  if (unknown.length > 0)
    throw new Stop(`Expected stages among ${Object.keys(stages).join(", ")}, found "${unknown.join(" ")}".`);
  mkdirSync(reports, { recursive: true });
  process.env.CI ||= "true"; // no watch mode, no questions
  const total = { passed: 0, failed: 0, skipped: 0 };
  const summary = [];
  for (const [name, { title, work }] of Object.entries(stages)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    say(`\n━━ ${title} ${"━".repeat(Math.max(0, 72 - title.length))}`);
    const startedAt = Date.now();
    const counts = await work().catch((error) => {
      explain(error);
      return { passed: 0, failed: 1, skipped: 0 };
    });
    if (counts.passed + counts.failed === 0) {
      say(`✗ ${title}: no test ran, which is a failure`);
      counts.failed += 1;
    }
    for (const key of /** @type {(keyof Counts)[]} */ (["passed", "failed", "skipped"])) total[key] += counts[key];
    summary.push(`${counts.failed > 0 ? "✗" : "✓"} ${title}: ${inWords(counts)} (${duration(Date.now() - startedAt)})`);
    say(summary.at(-1) ?? "");
  }
  say(`\n${summary.join("\n")}\n`);
  if (total.skipped > 0) say(`${total.skipped} skipped`);
  say(`${total.passed} passed, ${total.failed} failed`); // the last line, in this form, is what scripts read
  return total.failed > 0 ? 1 : 0;
}

/** @param {Counts} counts */
function inWords({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** @param {boolean} good @returns {Counts} */
function one(good) {
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

/** @param {Counts[]} all @returns {Counts} */
function sum(all) {
  return all.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }));
}

async function lint() {
  const { code } = await tool("biome check", commandScript.biome, ["check", "."]);
  const { files, breaches } = checkImports();
  for (const breach of breaches) say(breach);
  say(`Import arrows: ${files} files, ${breaches.length} broken`);
  return sum([one(code === 0), one(breaches.length === 0 && files > 0)]);
}

async function types() {
  await generateClient();
  if (existsSync(join(root, "app"))) {
    const { code } = await tool("next typegen", commandScript.next, ["typegen"], {
      ...process.env,
      NEXT_TELEMETRY_DISABLED: "1",
    });
    if (code !== 0) return one(false);
  }
  const { code } = await tool("tsc", commandScript.tsc, ["--noEmit", "-p", root]);
  if (code === 0) say("No type errors");
  const unused = await tool("knip", commandScript.knip, ["--no-progress", "--no-config-hints"]);
  if (unused.code === 0) say("No unused code");
  return sum([one(code === 0), one(unused.code === 0)]);
}

async function integration() {
  await generateClient();
  const { postgres, end } = await freshPostgres("integration");
  try {
    return await vitest("integration", { ...process.env, PLUMBLINE_TEST_DATABASE_URL: postgres.adminUrl });
  } finally {
    await end();
  }
}

/** @param {string} project @param {NodeJS.ProcessEnv} env @returns {Promise<Counts>} */
async function vitest(project, env) {
  const report = freshReport(project);
  // dots for whoever watches; a line a file, without colours, for who reads it later
  const watched = process.stdout.isTTY === true;
  const shown = watched ? "dot" : "default";
  const args = ["run", "--project", project, `--reporter=${shown}`, "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await tool("vitest", commandScript.vitest, args, watched ? env : { NO_COLOR: "1", ...env });
  return countVitest(readJson(report), code);
}

/**
 * Counts what Vitest reports. A file that could not be loaded and an error outside a test count as failures of their own.
 * @param {any} report its JSON report, undefined when it wrote none
 * @param {number} code its exit code
 * @returns {Counts}
 */
export function countVitest(report, code) {
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  const broken = report.testResults.filter(
    (/** @type {any} */ file) =>
      file.status === "failed" && !file.assertionResults.some((/** @type {any} */ test) => test.status === "failed"),
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function browser() {
  const { executablePath, args } = await findBrowser();
  say(`Browser: ${executablePath}`);
  await generateClient();
  await buildApp();
  const { postgres, end } = await freshPostgres("browser");
  try {
    const report = freshReport("browser");
    const { code } = await tool("playwright", commandScript.playwright, ["test", "--reporter=list,json"], {
      ...process.env,
      E2E_CHROME: executablePath,
      E2E_CHROME_ARGS: JSON.stringify(args),
      PLUMBLINE_TEST_DATABASE_URL: postgres.adminUrl,
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
      PLAYWRIGHT_JSON_OUTPUT_NAME: report,
      PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
    });
    return countPlaywright(readJson(report), code);
  } finally {
    await end();
  }
}

/**
 * Counts what Playwright reports. A test that passed only when repeated is said aloud; an error outside a test counts as a failure.
 * @param {any} report @param {number} code
 * @returns {Counts}
 */
export function countPlaywright(report, code) {
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  const { expected, unexpected, flaky, skipped } = report.stats;
  if (flaky > 0) say(`${flaky} browser test${flaky > 1 ? "s" : ""} passed only when repeated`);
  const failed = unexpected + (report.errors?.length ?? 0);
  return { passed: expected + flaky, failed: failed === 0 && code !== 0 ? 1 : failed, skipped };
}

/** @param {string} name @param {string} script @param {string[]} args @param {NodeJS.ProcessEnv} [env] */
function tool(name, script, args, env = process.env) {
  return run(name, [process.execPath, script, ...args], { cwd: root, env, inherit: true });
}

/** @param {string} name */
function freshReport(name) {
  const report = join(reports, `${name}.json`);
  rmSync(report, { force: true }); // a tool that dies must not be counted by its last report
  return report;
}

/**
 * An empty PostgreSQL of this run's own, gone afterwards. What killed runs left is removed first.
 * @param {string} name
 * @param {{ durable?: boolean }} [options] `durable`: with fsync, as in the product (for benchmarks)
 */
export async function freshPostgres(name, { durable = false } = {}) {
  const all = join(cacheFolder, "postgres");
  for (const entry of listFolder(all)) {
    const owner = readJson(join(all, entry, "owner.json"));
    if (owner && identityOf(owner.pid) !== owner.identity) removePostgres(join(all, entry));
  }
  const base = join(all, `${name}-${process.pid}`);
  mkdirSync(base, { recursive: true });
  writeJson(join(base, "owner.json"), { pid: process.pid, identity: identityOf(process.pid) });
  const postgres = await startPostgres({ folder: join(base, "server"), secretsFolder: join(base, "secrets"), durable });
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await postgres.stop();
    removePostgres(base);
  };
  beforeEnd(end);
  return { postgres, end };
}

/** Also what lies elsewhere because root could not keep it here. @param {string} base */
function removePostgres(base) {
  const elsewhere = readJson(join(base, "server/location.json"))?.folder;
  for (const folder of [elsewhere, base]) if (folder) rmSync(folder, { recursive: true, force: true });
}
