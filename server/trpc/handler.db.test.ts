import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { personBehind } from "../auth/who.ts";
import { createConnection } from "../connections/change-connections.ts";
import { closeSessions } from "../connections/session-pool.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { handleTrpc } from "./handler.ts";
import { createCaller } from "./root.ts";

let database: TestDatabase;
/** Keeps every question until it is let go. */
const asked: ServerResponse[] = [];
const silent = createServer((_, response) => void asked.push(response));
beforeAll(async () => {
  process.env.PLUMBLINE_SECRET_KEY = "a secret key for tests";
  process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";
  database = await testDatabase("handler");
  await once(silent.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  silent.closeAllConnections();
  silent.close();
  await closeSessions();
  await database?.drop();
});

it("of connections asked together, one that keeps silent does not keep back what the others answer", async () => {
  const { db, pool } = database;
  const responseHeaders = new Headers();
  const headers = new Headers({ host: "127.0.0.1:3000" });
  await createCaller({ db, pool, headers, responseHeaders, signedIn: null }).session.createFirstAccount({
    name: "Ana",
    email: "ana@example.com",
    password: "correct horse",
  });
  const [cookie] = (responseHeaders.getSetCookie()[0] ?? "").split(";");
  const ana = await personBehind(database, new Headers({ cookie: cookie ?? "" }));
  if (!ana) throw new Error("Ana is not signed in");
  const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { id } = await createConnection(ana, {
    name: "Silent",
    connector: "http",
    settings: { baseUrl, streams: [{ name: "items", path: "/items", key: ["id"] }] },
    credentials: {},
  });
  const answer = await handleTrpc(
    new Request("http://localhost/api/trpc/connections.offers,connections.offers?batch=1", {
      method: "POST",
      headers: {
        host: "127.0.0.1:3000",
        origin: "http://127.0.0.1:3000",
        "content-type": "application/json",
        "trpc-accept": "application/jsonl",
        cookie: cookie ?? "",
      },
      body: JSON.stringify({ 0: { id }, 1: { id: "con_nowhere" } }),
    }),
    database,
  );
  expect(answer.headers.get("cache-control")).toContain("no-transform");
  const parts = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const readUntil = async (wanted: string) => {
    let text = "";
    while (!text.includes(wanted)) {
      const { value, done } = (await parts?.read()) ?? { done: true, value: undefined };
      if (done) throw new Error(`“${wanted}” never came; this did: ${text}`);
      text += value;
    }
    return text;
  };
  expect(await readUntil("not-found")).not.toContain('"streams"'); // the silent one still holds its answer
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  silent.removeAllListeners("request");
  silent.on("request", (_, response) => response.end("[]"));
  for (const response of asked) response.setHeader("content-type", "application/json").end("[]");
  expect(await readUntil('"streams"')).toContain("items");
});
