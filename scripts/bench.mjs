/**
 * `npm run bench`: runs every `bench/*.bench.ts` as a process of its own, one after the other, on an empty embedded
 * PostgreSQL with the product's settings, and writes docs/performance.md. `npm run bench -- postgres` runs those whose name
 * contains "postgres"; the page then keeps what the others measured last.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { keepResult, writePage } from "./bench-page.mjs";
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
  const names = listFolder(`${root}/bench`)
    .filter((file) => file.endsWith(".bench.ts"))
    .map((file) => file.slice(0, -".bench.ts".length))
    .sort();
  const wanted = process.argv.slice(2);
  const chosen = names.filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Stop(`Expected the name of a benchmark (${names.join(", ")}), found “${wanted.join(" ")}”.`);
  const shortened = Object.keys(process.env).filter((name) => /^PLUMBLINE_BENCH_(?!DATABASE_URL|REPORT)/.test(name));
  const failed = [];
  const startedAt = Date.now();
  const report = join(cacheFolder, "bench-report.jsonl");
  mkdirSync(cacheFolder, { recursive: true });
  const { postgres } = await freshPostgres("bench", { durable: true });
  for (const name of chosen) {
    say(`\n━━ ${name}`);
    const begunAt = Date.now();
    rmSync(report, { force: true });
    const env = {
      ...process.env,
      NODE_ENV: "production",
      PLUMBLINE_BENCH_DATABASE_URL: postgres.adminUrl,
      PLUMBLINE_BENCH_REPORT: report,
    };
    const command = [process.execPath, "--disable-warning=ExperimentalWarning", `bench/${name}.bench.ts`];
    const { code } = await run(name, command, { cwd: root, env, inherit: true });
    if (code !== 0) failed.push(name);
    else if (shortened.length === 0) keepResult(name, report);
    say(`${code === 0 ? "✓" : `✗ code ${code}:`} ${name} (${duration(Date.now() - begunAt)})`);
  }
  if (failed.length > 0) say(`\n✗ Failed: ${failed.join(", ")}`);
  if (shortened.length > 0)
    say(`\ndocs/performance.md is left as it is: ${shortened.join(", ")} changed what is measured.`);
  else writePage(names);
  say(`${chosen.length} of ${names.length} benchmarks in ${duration(Date.now() - startedAt)}`);
  return failed.length > 0 ? 1 : 0;
});
