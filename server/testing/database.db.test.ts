import { afterAll, beforeAll, expect, it } from "vitest";
import { LIVE_CHANNEL, subscribe } from "../db/listen.ts";
import { callerFor, testContext } from "./context.ts";
import { type TestDatabase, testDatabase } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("foundation");
});
afterAll(() => database.drop());

it("gives each test file a migrated database with the queue's schema", async () => {
  expect(await database.db.workspace.count()).toBe(0);
  const { rows } = await database.pool.query(
    "select job.task_id is not null as ok from graphile_worker.add_job('nothing', '{}'::json) job",
  );
  expect(rows[0].ok).toBe(true);
});

it("calls procedures as a person of a workspace, and as nobody", async () => {
  const ctx = await testContext(database, "builder");
  const me = await callerFor(ctx).session.me();
  expect(me).toMatchObject({ role: "builder", workspace: { id: ctx.workspaceId, name: "Test company" } });
  expect(await callerFor(database).session.me()).toBeNull();
});

it("hears notifications, and again after its connection was cut", async () => {
  const heard: string[] = [];
  let gaps = 0;
  const end = await subscribe(LIVE_CHANNEL, (payload) => heard.push(payload), {
    url: database.url,
    onGap: () => gaps++,
  });
  const say = (text: string) => database.pool.query("select pg_notify($1, $2)", [LIVE_CHANNEL, text]);
  const until = async (ready: () => boolean) => {
    for (let i = 0; i < 200 && !ready(); i++) await new Promise((done) => setTimeout(done, 25));
    expect(ready()).toBe(true);
  };
  await say("one");
  await until(() => heard.includes("one"));
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'plumbline-live' and datname = current_database()",
  );
  await until(() => gaps === 1);
  await say("two");
  await until(() => heard.includes("two"));
  end();
  await say("three");
  await new Promise((done) => setTimeout(done, 100));
  expect(heard).toEqual(["one", "two"]);
});
