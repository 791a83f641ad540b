/**
 * The embedded PostgreSQL: made once, started, found again when it outlived its supervisor, stopped. It listens on
 * 127.0.0.1 only, asks for a password (SCRAM), and keeps its port from start to start as long as that is free, because
 * connections of the sample company name it.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { cacheFolder } from "./places.mjs";
import { asAccount, giveTo, postgresPlace } from "./postgres-place.mjs";
import { forget, identityOf, isAlive, listFolder, readJson, remember, writeJson } from "./processes.mjs";
import { notWritable, Stop, say, sleep } from "./progress.mjs";

const user = "postgres";
const startWithinMs = 10 * 60_000; // recovery after a crash replays up to max_wal_size
const clean = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" }; // no PG* variable of the user may reach the server

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
  if (!existsSync(join(place.data, "PG_VERSION"))) await makeData(place, passwordFile, durable);
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
    const dying = /pre-existing shared memory block|lock file "postmaster.pid"/i.test(started); // backends of a killed server take a moment to notice
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

/** @param {number} port @param {string} password @param {string} database */
function urlOf(port, password, database) {
  return `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
}

/** Makes the data beside their final place and moves them there when complete: a killed initdb leaves nothing half made. */
async function makeData(
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
    { ...asAccount(place.account), cwd: "/", env: clean, encoding: "utf8" },
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
function readPassword(file, data) {
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

/**
 * Looks for a server that outlived its supervisor, by postmaster.pid. Clears the file when its process is gone or a stranger.
 * @returns {Promise<{ pid: number, port: number } | undefined>}
 */
async function findRunning(/** @type {import("./postgres-place.mjs").Place} */ place, /** @type {string} */ password) {
  const pidFile = join(place.data, "postmaster.pid");
  if (!existsSync(pidFile)) return undefined;
  const lines = readFileSync(pidFile, "utf8").split("\n");
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!identityOf(pid)) return undefined; // PostgreSQL clears it itself and recovers
  if (!servesData(pid, place.data)) {
    // The number was given to a stranger, for instance after a reboot; PostgreSQL would take it for a living server.
    for (let waited = 0; waited < 20_000 && backendsOf(place.data).length > 0; waited += 100) await sleep(100);
    rmSync(pidFile, { force: true });
    return undefined;
  }
  const answer = await waitUntilReady(port, password, { pid, identity: identityOf(pid) ?? "" });
  return answer === "ready" ? { pid, port } : undefined;
}

/** @param {number} pid @param {string} data */
function servesData(pid, data) {
  if (process.platform === "linux") {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === data; // every PostgreSQL process works in its data folder
    } catch {
      return false;
    }
  }
  const ps = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return ps.status === 0 && ps.stdout.includes(data);
}

/** @param {string} data */
function backendsOf(data) {
  if (process.platform !== "linux") return [];
  return listFolder("/proc").filter(
    (entry) => /^\d+$/.test(entry) && identityOf(Number(entry)) && servesData(Number(entry), data),
  );
}

/**
 * Starts the server and waits until it answers.
 * @returns {Promise<number | string>} its pid, or what it said before it gave up
 */
async function launch(
  /** @type {import("./postgres-place.mjs").Place} */ place,
  /** @type {{ port: number, password: string, folder: string, durable: boolean, outlives: boolean }} */ {
    port,
    password,
    folder,
    durable,
    outlives,
  },
) {
  const logFile = join(folder, "postgres.log");
  if (existsSync(logFile) && statSync(logFile).size > 10_000_000) renameSync(logFile, `${logFile}.old`);
  const log = openSync(logFile, "a", 0o600);
  const from = statSync(logFile).size;
  const settings = Object.entries(serverSettings(port, durable)).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  // In a session of its own: Ctrl-C in the terminal must reach web and worker first, and the database last, through us.
  const child = spawn(join(place.native, "bin/postgres"), ["-D", place.data, ...settings], {
    ...asAccount(place.account),
    cwd: "/",
    env: clean,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.on("error", () => {});
  if (child.pid === undefined) return `${join(place.native, "bin/postgres")} could not be executed`;
  child.unref();
  const ref = remember("PostgreSQL", child.pid, { outlives });
  if ((await waitUntilReady(port, password, ref)) === "ready") return child.pid;
  forget(child.pid);
  return readFileSync(logFile).subarray(from).toString("utf8").slice(-2000);
}

/** @param {number} port @param {boolean} durable @returns {Record<string, string | number>} */
function serverSettings(port, durable) {
  const sharedMb = Math.max(32, Math.min(256, Math.floor(totalmem() / 8 / 1_048_576)));
  return {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: `${sharedMb}MB`,
    max_wal_size: "4GB",
    wal_compression: "on",
    wal_level: "logical", // logical decoding of changes stays possible
    synchronous_commit: durable ? "on" : "off",
    fsync: durable ? "on" : "off",
    full_page_writes: durable ? "on" : "off",
    jit: "off",
    timezone: "UTC",
    log_timezone: "UTC",
    // Containers often have a /dev/shm of 64 MB, too small for parallel queries.
    ...(smallSharedMemory() ? { dynamic_shared_memory_type: "mmap" } : {}),
  };
}

function smallSharedMemory() {
  if (process.platform !== "linux") return false;
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    return bavail * bsize < 256 * 1_048_576;
  } catch {
    return true;
  }
}

/** @returns {Promise<"ready" | "gone">} */
async function waitUntilReady(
  /** @type {number} */ port,
  /** @type {string} */ password,
  /** @type {import("./processes.mjs").ProcessRef} */ ref,
) {
  const { default: pg } = await import("pg");
  const startedAt = Date.now();
  let announced = 0;
  for (;;) {
    if (!isAlive(ref)) return "gone";
    const client = new pg.Client({
      connectionString: urlOf(port, password, "postgres"),
      connectionTimeoutMillis: 5000,
    });
    client.on("error", () => {});
    try {
      await client.connect();
      const { rows } = await client.query("select pg_postmaster_start_time(), current_setting('port') as port");
      await client.end();
      if (Number(rows[0].port) === port) return "ready";
    } catch (error) {
      await client.end().catch(() => {});
      if (/** @type {{ code?: string }} */ (error).code === "28P01") {
        throw new Stop(
          "The embedded database refuses its stored password. The secrets folder and the data do not belong together; restore both from the same backup.",
        );
      }
    }
    const waited = Date.now() - startedAt;
    if (waited > startWithinMs)
      throw new Stop(
        `PostgreSQL (process ${ref.pid}) did not answer on port ${port} within ${startWithinMs / 60_000} minutes.`,
      );
    if (waited - announced > 5000) {
      announced = waited;
      say(`  PostgreSQL is recovering its data (${Math.round(waited / 1000)} s)`);
    }
    await sleep(30);
  }
}

/** SIGINT is PostgreSQL's fast stop, SIGQUIT its immediate one (the next start then recovers). @param {import("./processes.mjs").ProcessRef} ref */
async function stopServer(ref) {
  for (const [signal, patienceMs] of /** @type {[NodeJS.Signals, number][]} */ ([
    ["SIGINT", 4000],
    ["SIGQUIT", 3000],
    ["SIGKILL", 1000],
  ])) {
    if (!isAlive(ref)) return;
    try {
      process.kill(ref.pid, signal);
    } catch {}
    for (let waited = 0; waited < patienceMs && isAlive(ref); waited += 25) await sleep(25);
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
