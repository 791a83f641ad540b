/**
 * Plumbline runs on Node 24 or newer. On an older Node this brings Node 24 from the npm registry into `.plumbline/node`
 * and runs the same script again under it. Written for Node 18 and `node:` modules only, as are all files it imports.
 */
import { spawn } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { beforeEnd } from "./ending.mjs";
import { withLock } from "./locks.mjs";
import { npm } from "./npm.mjs";
import { toolsFolder } from "./places.mjs";
import { listFolder } from "./processes.mjs";
import { notWritable, Stop, step } from "./progress.mjs";

const nodeVersion = "24.21.0";
const oldestMajor = 24;
const nodeFolder = join(toolsFolder, "node", nodeVersion);
const binFolder = join(nodeFolder, "bin");
const nodeBinary = join(binFolder, process.platform === "win32" ? "node.exe" : "node");

/**
 * Returns at once on Node 24 or newer. Otherwise the rest of the script happens in a child under Node 24, and this
 * process only passes signals on and ends as the child ends.
 */
export async function ensureNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= oldestMajor) {
    process.env.NODE_USE_SYSTEM_CA ??= "1"; // a company's own certificate authority, as the system's Node would trust it
    process.env.PATH = [dirname(process.execPath), process.env.PATH].filter(Boolean).join(delimiter);
    endWithLauncher();
    return;
  }
  if (process.env.PLUMBLINE_LAUNCHER_PID)
    throw new Stop(`Node ${nodeVersion} was started, but ${process.version} came up.`);
  if (!existsSync(nodeBinary)) {
    await step(
      `Node ${nodeVersion}, because this is ${process.version} and Plumbline needs ${oldestMajor} or newer`,
      () =>
        withLock("node", async () => {
          if (!existsSync(nodeBinary)) await fetchNode();
        }),
    );
  }
  await runUnderNode24();
}

async function fetchNode() {
  // The npm package `node` fetches one of these in its install script. Scripts may be switched off, so ask for it directly.
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  const name = `${prefix}-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const parent = join(toolsFolder, "node");
  const fresh = join(parent, `new-${process.pid}`);
  try {
    mkdirSync(parent, { recursive: true });
    for (const folder of listFolder(parent).filter((entry) => entry.startsWith("new-"))) {
      rmSync(join(parent, folder), { recursive: true, force: true });
    }
    mkdirSync(join(fresh, "bin"), { recursive: true });
    writeFileSync(join(fresh, "package.json"), '{ "private": true }\n');
  } catch (error) {
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), parent);
  }
  const { code, output } = await npm(
    ["install", "--no-save", "--no-package-lock", "--ignore-scripts", `${name}@${nodeVersion}`],
    { cwd: fresh },
  );
  const found = join(fresh, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (code !== 0 || !existsSync(found)) {
    throw new Stop(
      `Node ${nodeVersion} could not be had from the npm registry (package ${name}). Install Node ${oldestMajor} or newer yourself and start again.\n${output.trim()}`,
    );
  }
  const target = join(fresh, "bin", process.platform === "win32" ? "node.exe" : "node");
  try {
    linkSync(found, target);
  } catch {
    copyFileSync(found, target); // file systems without hard links
  }
  chmodSync(target, 0o755);
  rmSync(join(fresh, "node_modules"), { recursive: true, force: true });
  rmSync(nodeFolder, { recursive: true, force: true });
  renameSync(fresh, nodeFolder);
}

function runUnderNode24() {
  try {
    accessSync(nodeBinary, constants.X_OK);
  } catch (error) {
    throw new Stop(`${nodeBinary} cannot be executed by this user. Remove the folder ${nodeFolder} and start again.`, {
      cause: error,
    });
  }
  return new Promise((_, reject) => {
    const child = spawn(nodeBinary, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: "inherit",
      env: {
        ...process.env,
        PATH: [binFolder, process.env.PATH].filter(Boolean).join(delimiter),
        PLUMBLINE_LAUNCHER_PID: String(process.pid),
      },
    });
    child.on("error", (error) =>
      reject(new Stop(`${nodeBinary} could not be started: ${error.message}`, { cause: error })),
    );
    for (const signal of /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
      process.removeAllListeners(signal);
      process.on(signal, () => child.kill(signal));
    }
    child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
}

/** The launcher cannot pass on a SIGKILL: when it is gone, stop as if it had passed on a SIGTERM. */
function endWithLauncher() {
  const launcher = Number(process.env.PLUMBLINE_LAUNCHER_PID);
  delete process.env.PLUMBLINE_LAUNCHER_PID; // scripts that our children start have a launcher of their own, or none
  if (!launcher || process.ppid !== launcher) return;
  const timer = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 500);
  timer.unref();
  beforeEnd(() => clearInterval(timer));
}
