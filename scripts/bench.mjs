/**
 * `npm run bench`: runs every `bench/*.bench.ts` as a process of its own, one after the other, on an empty embedded
 * PostgreSQL with the product's settings. `npm run bench -- postgres` runs those whose name contains "postgres".
 */
import { bootstrap } from "./bootstrap.mjs";
import { main } from "./ending.mjs";
import { root } from "./places.mjs";
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
  const { postgres } = await freshPostgres("bench", { durable: true });
  for (const file of files.sort()) {
    say(`\n━━ ${file}`);
    const startedAt = Date.now();
    const env = { ...process.env, NODE_ENV: "production", PLUMBLINE_BENCH_DATABASE_URL: postgres.adminUrl };
    const command = [process.execPath, "--disable-warning=ExperimentalWarning", `bench/${file}`];
    const { code } = await run(file, command, { cwd: root, env, inherit: true });
    if (code !== 0) failed += 1;
    say(`${code === 0 ? "✓" : `✗ code ${code}:`} ${file} (${duration(Date.now() - startedAt)})`);
  }
  return failed > 0 ? 1 : 0;
});
