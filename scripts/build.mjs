/** Generates the Prisma client and builds the Next app when their sources changed. Stamps lie beside what they vouch for. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { main } from "./ending.mjs";
import { withLock } from "./locks.mjs";
import { commandScript, root } from "./places.mjs";
import { livingRuns, run } from "./processes.mjs";
import { Stop, say, step } from "./progress.mjs";

const generated = join(root, "server/db/generated");
const generatedStamp = join(generated, ".plumbline-stamp");
const buildFolder = join(root, ".next");
const buildStamp = join(buildFolder, "plumbline-stamp");
const buildSources = [
  ...["app", "components", "engine", "connectors", "server", "prisma", "public"],
  ...[
    "package.json",
    "package-lock.json",
    "next.config.js",
    "tsconfig.json",
    "postcss.config.mjs",
    "postcss.config.js",
  ],
];

/** Runs `prisma generate` when the schema or Prisma itself changed. */
export async function generateClient() {
  const wanted = hashOf(["prisma/schema.prisma", "prisma.config.ts", "node_modules/prisma/package.json"]);
  if (stampIs(generatedStamp, wanted)) return;
  await step("Database client", () =>
    withLock("database client", async () => {
      if (stampIs(generatedStamp, wanted)) return;
      rmSync(generatedStamp, { force: true });
      // `generate` works without the schema engine but insists on finding one: any executable will do.
      const env = {
        DATABASE_URL: "postgresql://localhost/unused",
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: "1",
        CHECKPOINT_DISABLE: "1",
      };
      const { code, output } = await run("prisma generate", [process.execPath, commandScript.prisma, "generate"], {
        cwd: root,
        env,
      });
      if (code !== 0) throw new Stop(`prisma generate failed with code ${code}:\n${output.trim()}`);
      mkdirSync(generated, { recursive: true });
      writeFileSync(generatedStamp, wanted);
    }),
  );
}

/** Runs `next build` when a source changed or the last build did not finish. */
export async function buildApp() {
  const wanted = hashOf(buildSources);
  if (built(wanted)) return;
  await step("Build of the user interface", () =>
    withLock("the build", async () => {
      if (built(wanted)) return;
      const [running] = livingRuns().filter(({ state, mode }) => state === "running" && mode !== "worker");
      if (running)
        say(`  Note: process ${running.pid} serves from this folder and has to be restarted after this build`);
      rmSync(buildStamp, { force: true });
      const { code, output } = await run("next build", [process.execPath, commandScript.next, "build"], {
        cwd: root,
        env: { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", CI: "1" },
        onLine: (line) => /^\s*[▲✓○⚠⨯]|Compil|Collect|Generat|Creating/.test(line) && say(`  ${line.trim()}`),
      });
      if (code !== 0) throw new Stop(`next build failed with code ${code}:\n${output.trim()}`);
      writeFileSync(buildStamp, wanted);
    }),
  );
}

/** @param {string} wanted */
function built(wanted) {
  return stampIs(buildStamp, wanted) && existsSync(join(buildFolder, "BUILD_ID"));
}

/** @param {string} file @param {string} wanted */
function stampIs(file, wanted) {
  try {
    return readFileSync(file, "utf8") === wanted;
  } catch {
    return false;
  }
}

/** Hash over names and content of files and folders; tests and generated code are left out. @param {string[]} paths relative to the checkout */
function hashOf(paths) {
  const hash = createHash("sha256").update(process.versions.node.split(".")[0] ?? "");
  const add = (/** @type {string} */ path) => {
    const full = join(root, path);
    if (!existsSync(full) || full === generated) return;
    let entries;
    try {
      entries = readdirSync(full, { withFileTypes: true });
    } catch {
      hash.update(`${path}\0`).update(readFileSync(full)).update("\0");
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (/\.test\.tsx?$|\.md$/.test(entry.name)) continue;
      add(`${path}/${entry.name}`);
    }
  };
  paths.forEach(add);
  return hash.digest("hex");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { bootstrap } = await import("./bootstrap.mjs");
    await bootstrap("build");
    await generateClient();
    await buildApp();
    say(`Built in ${dirname(buildStamp)}`);
  });
}
