/** The data folder of the embedded PostgreSQL, made once, and the password that goes with it. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asAccount, giveTo } from "./postgres-place.mjs";
import { cleanEnvironment, user } from "./postgres-server.mjs";
import { notWritable, Stop } from "./progress.mjs";

/** Makes the data beside their final place and moves them there when complete: a killed initdb leaves nothing half made. */
export function makeData(
  /** @type {import("./postgres-place.mjs").Place} */ place,
  /** @type {string} */ passwordFile,
  /** @type {boolean} */ durable,
) {
  const fresh = `${place.data}.new`;
  const handedOver = join(place.folder, "password.new");
  try {
    for (const old of [fresh, place.data]) rmSync(old, { recursive: true, force: true });
    if (!existsSync(passwordFile)) {
      mkdirSync(dirname(passwordFile), { recursive: true });
      chmodSync(dirname(passwordFile), 0o700);
      writeFileSync(passwordFile, randomBytes(24).toString("hex"), { mode: 0o600 });
    }
    mkdirSync(fresh, { mode: 0o700 });
    giveTo(fresh, place.account);
    writeFileSync(handedOver, readFileSync(passwordFile), { mode: 0o600 });
    giveTo(handedOver, place.account);
  } catch (error) {
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), place.folder);
  }
  const made = spawnSync(
    join(place.native, "bin/initdb"),
    [
      ...["-D", fresh, "-U", user, "-A", "scram-sha-256", `--pwfile=${handedOver}`, "-E", "UTF8"],
      ...[
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        ...(durable ? [] : ["--no-sync"]),
      ],
    ],
    { ...asAccount(place.account), cwd: "/", env: cleanEnvironment, encoding: "utf8" },
  );
  rmSync(handedOver, { force: true });
  if (made.status !== 0) {
    throw new Stop(
      `PostgreSQL could not make its data folder ${fresh}${place.account ? ` as user ${place.account.name}` : ""}:\n${made.error?.message ?? made.stderr.trim()}\n` +
        "Free some disk space or mend the permissions, or set DATABASE_URL to a PostgreSQL server.",
    );
  }
  renameSync(fresh, place.data);
}

/** @param {string} file @param {string} data */
export function readPassword(file, data) {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Stop(
      `The password of the embedded database is missing (${file}), but its data are in ${data}.\n` +
        "Put the file back from a backup; or, to begin anew without the data, remove that data folder.",
      { cause: error },
    );
  }
}
