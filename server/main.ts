/**
 * The web process: pages, tRPC and live updates (Next), the public interface and the intake's address, on one port.
 * Environment: PORT, HOST, DATABASE_URL, PLUMBLINE_SECRET_KEY, and what README lists. Ends on SIGTERM and SIGINT within 10 s.
 */
import { fileURLToPath } from "node:url";
import next from "next";
import { accountsFromEnvironment } from "./accounts/accounts-from-environment.ts";
import { closeSessions } from "./connections/session-pool.ts";
import { closeListener } from "./db/listen.ts";
import { closeDatabase, getDatabase } from "./db/prisma.ts";
import { createApiServer } from "./http-server.ts";
import { migrateQueue } from "./jobs/migrate-queue.ts";
import { log } from "./log.ts";
import { showPresence } from "./processes/presence.ts";
import { untilItStores } from "./processes/until-it-stores.ts";
import { keyRing } from "./secrets/keys.ts";

const graceMs = 5_000;
const hardLimitMs = 9_500;

async function main(): Promise<void> {
  const port = Number(process.env.PORT ?? 3000);
  const host = process.env.HOST || "127.0.0.1";
  keyRing(); // fails now, with words, rather than at the first connection
  const database = getDatabase();
  await untilItStores(async () => {
    await migrateQueue(database.pool);
    await accountsFromEnvironment(database);
  });

  const dir = fileURLToPath(new URL("..", import.meta.url));
  const app = next({ dev: false, dir, hostname: host, port });
  await app.prepare();
  const pages = app.getRequestHandler();
  const { server, stop } = createApiServer(database, { pages: (request, response) => pages(request, response) });
  await new Promise<void>((listening, refused) => {
    server.once("error", refused);
    server.listen(port, host, listening);
  });
  const presence = await untilItStores(() => showPresence(database.pool, "web"));
  log.info({ host, port, pid: process.pid }, `web is listening on http://${host}:${port}`);

  let ending = false;
  const end = (signal: string) => {
    if (ending) return;
    ending = true;
    log.info(`web ends (${signal})`);
    setTimeout(() => process.exit(1), hardLimitMs).unref();
    void (async () => {
      await stop(graceMs);
      await presence.stop();
      await closeSessions();
      await closeListener();
      await closeDatabase();
      process.exit(0);
    })();
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

process.on("unhandledRejection", (error) => log.error({ err: error }, "a promise failed and nobody listened"));

try {
  await main();
} catch (error) {
  log.fatal({ err: error }, `web cannot start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
