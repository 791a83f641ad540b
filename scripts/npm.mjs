/** Runs npm: the one that runs us, or the one in PATH, under the Node that runs us, with a cache it can write to. */
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { toolsFolder } from "./places.mjs";
import { run } from "./processes.mjs";

/**
 * @param {string[]} args
 * @param {{ cwd: string, onLine?: (line: string) => void }} options
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function npm(args, { cwd, onLine }) {
  const ownCache = join(toolsFolder, "npm-cache");
  const command = [...npmCommand(), ...args, "--no-audit", "--no-fund", "--no-update-notifier"];
  const first = await run(`npm ${args[0]}`, command, {
    cwd,
    onLine,
    env: npmEnvironment(usableCache() ? undefined : ownCache),
  });
  if (first.code === 0 || first.code === 130) return first;
  // A cache with files of another user or cut-off downloads makes npm fail in many wordings: once more with a fresh one.
  mkdirSync(ownCache, { recursive: true });
  return run(`npm ${args[0]}`, command, { cwd, onLine, env: npmEnvironment(ownCache) });
}

function npmCommand() {
  const runningUs = process.env.npm_execpath;
  if (runningUs && basename(runningUs) === "npm-cli.js" && existsSync(runningUs)) return [process.execPath, runningUs];
  const beside = join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js");
  if (existsSync(beside)) return [process.execPath, beside];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}

/** @param {string | undefined} cache */
function npmEnvironment(cache) {
  /** @type {NodeJS.ProcessEnv} */
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    // What `npm start` tells its script (npm_package_*, npm_lifecycle_*, npm_config_local_prefix) is not meant for a second npm.
    if (!/^npm_(package|lifecycle)_|^npm_config_local_prefix$|^npm_command$/i.test(name)) env[name] = value;
  }
  if (cache) env.npm_config_cache = cache;
  return env;
}

function usableCache() {
  const cache = process.env.npm_config_cache || join(homedir(), ".npm");
  for (const folder of [join(cache, "_cacache"), cache]) if (existsSync(folder) && !writable(folder)) return false;
  if (existsSync(cache)) return true;
  try {
    mkdirSync(cache, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} folder */
export function writable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
