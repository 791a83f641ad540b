/**
 * The embedded PostgreSQL: made once, started, found again when it outlived its supervisor, stopped. It listens on
 * 127.0.0.1 only, asks for a password (SCRAM), and keeps its port from start to start as long as that is free, because
 * connections of the sample company name it.
 */

import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { cacheFolder } from "./places.mjs";
import { makeData, readPassword } from "./postgres-data.mjs";
import { postgresPlace } from "./postgres-place.mjs";
import { findRunning, launch, stopServer, urlOf } from "./postgres-server.mjs";
import { forget, identityOf, isAlive, readJson, remember, writeJson } from "./processes.mjs";
import { Stop, sleep } from "./progress.mjs";

/**
 * @typedef {object} RunningPostgres
 * @property {number} port
 * @property {import("./processes.mjs").ProcessRef} process
 * @property {boolean} reused it was running already
 * @property {string} adminUrl connection URL of the database `postgres`, as superuser
 * @property {(database: string) => string} url connection URL of a database of this server
 * @property {(database: string) => Promise<void>} ensureDatabase creates it when absent
 * @property {() => boolean} isAlive
 * @property {() => Promise<void>} stop fast stop: open transactions are rolled back; at most 8 s
 * @property {string} dataFolder
 */

/**
 * Starts the server kept in `folder`, making its data first when there are none; reuses it when it runs already.
 * @param {object} options
 * @param {string} options.folder e.g. `.plumbline/postgres`
 * @param {string} options.secretsFolder where its password is kept, mode 0600
 * @param {number} [options.port] insist on this port (a restart under running clients); otherwise the last one, else any free one
 * @param {boolean} [options.borrowed] it is another supervisor's: never started, ended or entered in the record here
 * @param {boolean} [options.durable] false for tests: no fsync, faster, lost when the machine stops
 * @returns {Promise<RunningPostgres>}
 * @throws {Stop} with what to do, when it cannot run here or its data are of somebody else
 */
export async function startPostgres({ folder, secretsFolder, port: wantedPort, borrowed = false, durable = true }) {
  const outlives = !folder.startsWith(cacheFolder); // the data of tests and benchmarks are thrown away
  const place = postgresPlace(folder);
  const passwordFile = join(secretsFolder, "postgres-password");
  const stateFile = join(folder, "server.json");
  if (!existsSync(join(place.data, "PG_VERSION"))) makeData(place, passwordFile, durable);
  const password = readPassword(passwordFile, place.data);

  const running = await findRunning(place, password);
  if (running && (wantedPort === undefined || wantedPort === running.port)) {
    if (!borrowed) remember("PostgreSQL", running.pid, { outlives });
    return handle(running, true);
  }
  if (borrowed)
    throw new Stop(
      `The embedded database in ${place.data} is not running. Start it with npm start, or set DATABASE_URL.`,
    );
  if (running) await stopServer({ pid: running.pid, identity: identityOf(running.pid) ?? "" });

  const lastPort = wantedPort ?? readJson(stateFile)?.port;
  for (let attempt = 0; ; attempt++) {
    const port =
      attempt === 0 && lastPort && (wantedPort || (await isFree(lastPort)))
        ? lastPort
        : (wantedPort ?? (await freePort()));
    const started = await launch(place, { port, password, folder, durable, outlives });
    if (typeof started === "number") {
      writeJson(stateFile, { port, pid: started });
      return handle({ pid: started, port }, false);
    }
    const busyPort = /could not bind|Address already in use/i.test(started);
    const dying = /pre-existing shared memory block|lock file "postmaster.pid" (already exists|is empty)/i.test(
      started,
    ); // backends of a killed server take a moment to notice
    if ((busyPort || dying) && attempt < (wantedPort || dying ? 60 : 5)) {
      await sleep(wantedPort || dying ? 500 : 0);
      continue;
    }
    throw new Stop(
      `PostgreSQL did not start. Its last words (all of them: ${join(folder, "postgres.log")}):\n${started.trim()}`,
    );
  }

  /** @param {{ pid: number, port: number }} server @param {boolean} reused @returns {RunningPostgres} */
  function handle({ pid, port }, reused) {
    const ref = { pid, identity: identityOf(pid) ?? "gone" };
    const url = (/** @type {string} */ database) => urlOf(port, password, database);
    return {
      port,
      process: ref,
      reused,
      dataFolder: place.data,
      adminUrl: url("postgres"),
      url,
      ensureDatabase: (database) => ensureDatabase(url("postgres"), database),
      isAlive: () => isAlive(ref),
      stop: async () => {
        await stopServer(ref);
        forget(pid);
      },
    };
  }
}

/** @param {string} adminUrl @param {string} database */
async function ensureDatabase(adminUrl, database) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [database]);
    if (!rowCount) await client.query(`create database ${client.escapeIdentifier(database)}`);
  } catch (error) {
    if (!["42P04", "23505"].includes(/** @type {{ code?: string }} */ (error).code ?? "")) throw error; // another start was quicker
  } finally {
    await client.end();
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}
