import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { queryDatabase } from "../connectors/testing/postgres-database.ts";
import { type SmallDisk, smallDisk } from "../connectors/testing/small-disk.ts";
import { onceThereIsSpace } from "./disk-space.mjs";
import { startPostgres } from "./embedded-postgres.mjs";

let disk: SmallDisk | undefined;
let server: Awaited<ReturnType<typeof startPostgres>> | undefined;
beforeAll(() => {
  disk = smallDisk(500);
});
afterAll(async () => {
  disk?.free();
  await server?.stop();
  disk?.end();
});

it("a server that dies of a full disk is started again once there is space, with all that was committed", async (test) => {
  if (!disk) return test.skip("a small disk can only be made as root on Linux, where mounting is allowed");
  const options = { folder: join(disk.path, "postgres"), secretsFolder: join(disk.path, "secrets") };
  server = await startPostgres(options);
  const { port, adminUrl } = server;
  await queryDatabase({ url: adminUrl }, "CREATE TABLE orders (id int PRIMARY KEY)");
  await queryDatabase({ url: adminUrl }, "INSERT INTO orders VALUES (1), (2)");
  disk.fill(0);
  // it cannot go on without its log
  const log = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000)) FROM generate_series(1, 200)";
  await queryDatabase({ url: adminUrl }, log).catch(() => {});
  await expect.poll(() => server?.isAlive(), { timeout: 20_000 }).toBe(false);
  let tries = 0;
  const starting = onceThereIsSpace(() => {
    tries++;
    return startPostgres({ ...options, port });
  }, 200);
  await expect.poll(() => tries, { timeout: 60_000 }).toBeGreaterThan(1);
  disk.free();
  server = await starting;
  expect(server.port).toBe(port);
  expect(await queryDatabase({ url: adminUrl }, "SELECT count(*)::int AS n FROM orders")).toEqual([{ n: 2 }]);
}, 120_000);

it("what fails for another reason fails at once", async () => {
  let tries = 0;
  const work = async () => {
    tries++;
    throw new Error("no such thing");
  };
  await expect(onceThereIsSpace(work, 1)).rejects.toThrow("no such thing");
  expect(tries).toBe(1);
});
