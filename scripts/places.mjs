/** Where things are kept. Nothing here touches the disk, so it may be imported before anything is installed. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What belongs to this checkout and can be made again: Node 24, npm's cache, locks, records of running processes. */
export const toolsFolder = join(root, ".plumbline");

/** What Node.js has compiled of the product, kept from start to start: a process that takes the place of another is there sooner. */
export const compiledFolder = join(toolsFolder, "compiled");

/** What belongs to the product: database, secret key. `PLUMBLINE_DATA_DIR` moves it. */
export const dataFolder = resolve(root, process.env.PLUMBLINE_DATA_DIR || ".plumbline");

/** What tests and benchmarks leave behind; may be deleted at any time. */
export const cacheFolder = join(root, ".cache");

/** The script a package's command runs, so that it can be started as `node <script>` without `npx`. */
export const commandScript = {
  next: join(root, "node_modules/next/dist/bin/next"),
  prisma: join(root, "node_modules/prisma/build/index.js"),
  tsc: join(root, "node_modules/typescript/bin/tsc"),
  knip: join(root, "node_modules/knip/bin/knip.js"),
  biome: join(root, "node_modules/@biomejs/biome/bin/biome"),
  vitest: join(root, "node_modules/vitest/vitest.mjs"),
  playwright: join(root, "node_modules/@playwright/test/cli.js"),
};
