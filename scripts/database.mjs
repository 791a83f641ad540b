/** The database a start works on: the one of DATABASE_URL, or the embedded one. Imported after the dependencies are there. */
import { join } from "node:path";
import { startPostgres } from "./embedded-postgres.mjs";
import { dataFolder } from "./places.mjs";
import { Stop, say, sleep } from "./progress.mjs";

const folders = { folder: join(dataFolder, "postgres"), secretsFolder: join(dataFolder, "secrets") };
const patienceMs = 30_000;

/** @typedef {{ url: string, embedded?: import("./embedded-postgres.mjs").RunningPostgres }} Database */

/**
 * @param {{ borrowed: boolean }} options `borrowed`: the embedded server belongs to a running `npm start`
 * @returns {Promise<Database>}
 */
export async function openDatabase({ borrowed }) {
  const outside = process.env.DATABASE_URL;
  if (outside) {
    await waitForServer(outside);
    return { url: outside };
  }
  const embedded = await startPostgres({ ...folders, borrowed });
  await embedded.ensureDatabase("plumbline");
  return { url: embedded.url("plumbline"), embedded };
}

/** Starts the embedded server again, on the port its clients know, after it died. @param {number} port */
export function restartEmbedded(port) {
  return startPostgres({ ...folders, port });
}

/** A server that is just starting is waited for; anything else is said at once. @param {string} url */
async function waitForServer(url) {
  const { default: pg } = await import("pg");
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Stop(
      `DATABASE_URL is not understood: expected postgresql://user:password@host:5432/database, found "${withoutPassword(url)}".`,
    );
  }
  const startedAt = Date.now();
  for (let announced = false; ; ) {
    let client;
    try {
      client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
      client.on("error", () => {});
      await client.connect();
      const { rows } = await client.query("show server_version_num");
      if (Number(rows[0].server_version_num) < 140_000)
        throw new Stop("DATABASE_URL names a PostgreSQL older than 14. Plumbline needs 14 or newer.");
      return;
    } catch (error) {
      if (error instanceof Stop) throw error;
      const { code = "", message, name } = /** @type {Error & { code?: string }} */ (error);
      const mayHeal =
        ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNRESET", "57P03", "53300"].includes(code) ||
        /timeout|terminated/i.test(message);
      if (!mayHeal || Date.now() - startedAt > patienceMs) {
        throw new Stop(
          `The database of DATABASE_URL (${withoutPassword(url)}) cannot be used: ${message || code || name}.\n${remedy(code)}`,
          { cause: error },
        );
      }
      if (!announced) say(`  waiting up to ${patienceMs / 1000} s for the server of DATABASE_URL (${message || code})`);
      announced = true;
      await sleep(500);
    } finally {
      await client?.end().catch(() => {});
    }
  }
}

/** @param {string} code */
function remedy(code) {
  if (code === "28P01" || code === "28000") return "Check user and password in DATABASE_URL.";
  if (code === "3D000") return "Create the database, or name an existing one in DATABASE_URL.";
  return "Check host and port in DATABASE_URL and that the server runs, or unset it to use the embedded database.";
}

/** @param {string} url */
export function withoutPassword(url) {
  return url.replace(/(\/\/[^:/@]*):[^@]*@/, "$1:…@");
}
