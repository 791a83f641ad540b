/** The supervisor: database, migrations, build, then web and worker as processes of their own, until it is told to stop. */
import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildApp, generateClient } from "./build.mjs";
import { keepRunning } from "./children.mjs";
import { openDatabase, restartEmbedded } from "./database.mjs";
import { onceThereIsSpace } from "./disk-space.mjs";
import { beforeEnd, isEnding } from "./ending.mjs";
import { tryLock } from "./locks.mjs";
import { migrate } from "./migrate.mjs";
import { dataFolder } from "./places.mjs";
import { choosePort, parsePort, urlFor } from "./ports.mjs";
import { isAlive, readJson, saveRecord, self, writeJson } from "./processes.mjs";
import { notWritable, Stop, say, sleep, step } from "./progress.mjs";

const stateFile = join(dataFolder, "running.json");

/**
 * Runs until a signal ends the process, or something happens that a restart cannot mend.
 * @param {"start" | "web" | "worker"} mode
 * @returns {Promise<number>} exit code
 */
export async function supervise(mode) {
  const host = process.env.HOST || "127.0.0.1";
  const wantedPort = parsePort(process.env.PORT) ?? 3000;
  try {
    mkdirSync(dataFolder, { recursive: true });
  } catch (error) {
    throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), dataFolder);
  }
  if (mode === "start") await beTheOnlyOne();
  const publish = (/** @type {object} */ state) => mode === "start" && writeJson(stateFile, { ...self(), ...state });
  publish({ state: "preparing" });

  const embedding = !process.env.DATABASE_URL;
  const borrowed = embedding && mode !== "start";
  if (borrowed && !isAlive(readJson(stateFile))) {
    throw new Stop(
      `npm run ${mode} needs a database: set DATABASE_URL, or let npm start run in this folder and share its embedded one.`,
    );
  }
  const database = await step(embedding ? "Embedded PostgreSQL" : "Database of DATABASE_URL", () =>
    openDatabase({ borrowed }),
  );
  if (database.embedded && !borrowed) {
    const owned = { server: database.embedded };
    beforeEnd(() => owned.server.stop());
    watchDatabase(owned);
  }
  await generateClient();
  await step("Database schema", async () => {
    const applied = await migrate(database.url);
    return applied.length > 0 ? `applied ${applied.length} migration${applied.length > 1 ? "s" : ""}` : "up to date";
  });
  if (mode !== "worker") await buildApp();

  const shared = {
    ...process.env,
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    DATABASE_URL: database.url,
    HOST: host,
    PLUMBLINE_DATA_DIR: dataFolder,
    PLUMBLINE_SECRET_KEY: process.env.PLUMBLINE_SECRET_KEY || secretKey(),
    PLUMBLINE_ALLOW_PRIVATE_NETWORK: process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK || String(embedding),
    ...(database.embedded
      ? { PLUMBLINE_EMBEDDED: "1", PLUMBLINE_SAMPLE_DATABASE_URL: database.embedded.adminUrl }
      : {}),
  };
  return runChildren({ mode, host, wantedPort, shared, publish });
}

/**
 * @param {{ mode: string, host: string, wantedPort: number, shared: NodeJS.ProcessEnv, publish: (state: object) => void }} options
 * @returns {Promise<number>}
 */
function runChildren({ mode, host, wantedPort, shared, publish }) {
  return new Promise((_, reject) => {
    let port = 0; // not chosen yet
    let up = false;
    const give = (/** @type {string} */ name) => (/** @type {unknown} */ error) =>
      reject(error ?? new Stop(`${name} ended again and again before it was ready. Its own lines above say why.`));
    const children = [];
    if (mode !== "worker") {
      const web = keepRunning({
        name: "web",
        script: "server/main.ts",
        environment: async () => {
          if (!up) port = await choosePort(host, wantedPort); // once people know the address it has to stay
          return { ...shared, PORT: String(port) };
        },
        onHopeless: give("web"),
      });
      children.push(web);
    }
    if (mode !== "web") {
      const environment = async () => shared;
      children.push(keepRunning({ name: "worker", script: "worker/main.ts", environment, onHopeless: give("worker") }));
    }
    const announce = async () => {
      if (mode === "worker") await sleep(1000);
      else await waitForHealth(() => (port ? urlFor(host, port) : undefined), mode === "start");
      if (isEnding()) return;
      up = true;
      for (const child of children) child.settled();
      const url = mode === "worker" ? undefined : urlFor(host, port);
      saveRecord({ state: "running", url });
      publish({ state: "running", url, embedded: shared.PLUMBLINE_EMBEDDED === "1" });
      say(
        url
          ? `\nPlumbline is running at ${url}\n`
          : `\nPlumbline's worker is running (process ${children[0]?.pid()})\n`,
      );
    };
    announce().catch(reject);
  });
}

/** A second start in the same place would fight over data and port: it says where the first one is, and ends. */
async function beTheOnlyOne() {
  const file = join(dataFolder, "start.lock");
  for (let announced = false; ; await sleep(200)) {
    const lock = await tryLock(file);
    if (lock.held) {
      beforeEnd(() => {
        rmSync(stateFile, { force: true });
        lock.release();
      });
      return;
    }
    const state = readJson(stateFile);
    if (state?.pid === lock.holder.pid && state.state === "running") {
      await sleep(300); // a stop that came a moment ago shows as a holder that goes
      if (!isAlive(lock.holder)) continue;
      throw new Stop(
        `Plumbline is already running from this folder at ${state.url} (process ${lock.holder.pid}). Stop that one first: kill ${lock.holder.pid}`,
      );
    }
    if (!announced) say(`• Another start (process ${lock.holder.pid}) is at work in this folder; waiting for it`);
    announced = true;
  }
}

/**
 * PostgreSQL can die on its own (out of memory, a hand). Then it is started again on its port, under the running clients.
 * @param {{ server: import("./embedded-postgres.mjs").RunningPostgres }} owned
 */
async function watchDatabase(owned) {
  for (;;) {
    await sleep(500);
    if (isEnding()) return;
    if (owned.server.isAlive()) continue;
    try {
      const { port } = owned.server;
      owned.server = await step("PostgreSQL ended unexpectedly; starting it again", () =>
        onceThereIsSpace(() => restartEmbedded(port)),
      );
    } catch (error) {
      if (isEnding()) return;
      process.exitCode = 1;
      say(`• ${error instanceof Error ? error.message : error}\n• Without its database Plumbline cannot go on.`);
      process.kill(process.pid, "SIGTERM");
      return;
    }
  }
}

/**
 * Waits for the page to be served, and a little longer for the first heartbeat of the worker.
 * @param {() => string | undefined} url undefined until a port is chosen: whoever holds the wanted one must not be asked
 * @param {boolean} withWorker
 */
async function waitForHealth(url, withWorker) {
  const startedAt = Date.now();
  let firstAnswerAt = 0;
  for (let announcedAt = startedAt; !isEnding(); await sleep(100)) {
    if (!url()) continue;
    try {
      const response = await fetch(`${url()}/api/v1/health`, { signal: AbortSignal.timeout(5000) });
      const { status } = await response.json();
      firstAnswerAt ||= Date.now();
      if (status === "ok" || !withWorker || Date.now() - firstAnswerAt > 5000) return;
    } catch {
      if (Date.now() - announcedAt < 15_000) continue;
      announcedAt = Date.now();
      say(`  ${url()} does not answer yet (${Math.round((announcedAt - startedAt) / 1000)} s)`);
    }
  }
}

/** The key that encrypts credentials: made once, never in the database. @returns {string} 32 random bytes in base64 */
function secretKey() {
  const file = join(dataFolder, "secret-key");
  const fresh = `${file}.${process.pid}.new`;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT")
      throw notWritable(/** @type {NodeJS.ErrnoException} */ (error), file);
  }
  writeFileSync(fresh, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  try {
    linkSync(fresh, file); // unlike a rename it never replaces a key that another process made meanwhile
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
  if (process.env.DATABASE_URL) {
    say(
      `• Made the secret key ${file}. Every machine that works on this database needs the same one: copy it, or set PLUMBLINE_SECRET_KEY.`,
    );
  }
  return readFileSync(file, "utf8").trim();
}
