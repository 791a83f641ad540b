/** The processes of the embedded PostgreSQL: found again, started, waited for, stopped. */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { asAccount } from "./postgres-place.mjs";
import { forget, identityOf, isAlive, listFolder, remember } from "./processes.mjs";
import { Stop, say, sleep } from "./progress.mjs";

export const user = "postgres";

/** No PG* variable of the user may reach the server. */
export const cleanEnvironment = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };

const startWithinMs = 10 * 60_000; // recovery after a crash replays up to max_wal_size

/** @param {number} port @param {string} password @param {string} database */
export function urlOf(port, password, database) {
  return `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Looks for a server that outlived its supervisor, by postmaster.pid. Clears the file when its process is gone or a stranger.
 * @returns {Promise<{ pid: number, port: number } | undefined>}
 */
export async function findRunning(
  /** @type {import("./postgres-place.mjs").Place} */ place,
  /** @type {string} */ password,
) {
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
export async function launch(
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
    env: cleanEnvironment,
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
    synchronous_commit: "on", // what was committed outlives a server that is killed, also in tests
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
export async function stopServer(ref) {
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
