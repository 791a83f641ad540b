/**
 * `npm test`: everything that must hold, in order, each stage even when an earlier one failed. `npm test -- unit browser`
 * runs only these. Ends with the line `N passed, N failed`; the exit code is 0 only when nothing failed.
 */
import { bootstrap } from "./bootstrap.mjs";
import { main } from "./ending.mjs";

await main(async () => {
  await bootstrap("test");
  const { runStages } = await import("./test-stages.mjs"); // needs what bootstrap brought
  return runStages(process.argv.slice(2));
});
