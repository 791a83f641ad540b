/**
 * `npm run bench`: runs every `bench/*.bench.ts` as a process of its own, one after the other, on an empty embedded
 * PostgreSQL with the product's settings. `npm run bench -- postgres` runs those whose name contains "postgres".
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { bootstrap } from "./bootstrap.mjs";
import { main } from "./ending.mjs";
import { cacheFolder, root } from "./places.mjs";
import { listFolder, run } from "./processes.mjs";
import { duration, Stop, say } from "./progress.mjs";

await main(async () => {
  await bootstrap("bench");
  const [{ freshPostgres }, { generateClient }] = await Promise.all([
    import("./test-stages.mjs"),
    import("./build.mjs"),
  ]);
  await generateClient();
  const wanted = process.argv.slice(2);
  const files = listFolder(`${root}/bench`).filter(
    (file) => file.endsWith(".bench.ts") && (wanted.length === 0 || wanted.some((word) => file.includes(word))),
  );
  if (files.length === 0)
    throw new Stop(`No benchmark in bench/ has a name with ${wanted.join(" or ") || ".bench.ts"}.`);
  let failed = 0;
  const report = join(cacheFolder, "bench-report.jsonl");
  mkdirSync(cacheFolder, { recursive: true });
  rmSync(report, { force: true });
  const { postgres } = await freshPostgres("bench", { durable: true });
  for (const file of files.sort()) {
    say(`\n━━ ${file}`);
    const startedAt = Date.now();
    const env = {
      ...process.env,
      NODE_ENV: "production",
      PLUMBLINE_BENCH_DATABASE_URL: postgres.adminUrl,
      PLUMBLINE_BENCH_REPORT: report,
    };
    const command = [process.execPath, "--disable-warning=ExperimentalWarning", `bench/${file}`];
    const { code } = await run(file, command, { cwd: root, env, inherit: true });
    if (code !== 0) failed += 1;
    say(`${code === 0 ? "✓" : `✗ code ${code}:`} ${file} (${duration(Date.now() - startedAt)})`);
  }
  if (failed === 0 && wanted.length === 0) writePage(report);
  return failed > 0 ? 1 : 0;
});

/** docs/performance.md says what the last whole run of the benchmarks measured, and on what. @param {string} report */
function writePage(report) {
  if (!existsSync(report)) return;
  const tables = readFileSync(report, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ headings, rows }) => {
      const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
      return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
    });
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, embedded PostgreSQL with fsync`;
  const text = `# Performance\n\nWritten by \`npm run bench\`: each line is measured beside its raw limit in the same run, so read the ratios; absolute figures are of this\nmachine: ${machine}.\n\n${tables.join("\n\n")}\n`;
  writeFileSync(join(root, "docs", "performance.md"), text);
  say("\nWritten: docs/performance.md");
}
