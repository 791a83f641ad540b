/** The REST interface of flows, runs, dead letters and journeys, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { closeSessions } from "../connections/session-pool.ts";
import { type Answer, startApi, type TestApi } from "../testing/api-server.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertChange, insertLetter, insertRunRow } from "../testing/rows.ts";
import { connectShop, createShop, shopFlow } from "../testing/shop.ts";

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  process.env.PLUMBLINE_SECRET_KEY ??= "a secret that is only for tests";
  process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";
  database = await testDatabase("s2_api");
  await createShop(database);
  api = await startApi(database);
  await connectShop(api.owner, database);
});
afterAll(async () => {
  await api?.stop();
  await closeSessions();
  await database?.drop();
});

type Body = { [name: string]: unknown };
const bodyOf = ({ body }: Answer) => body as Body & { id: string; items: Body[]; next: string | null; error: Body };
const created = async (document: object = shopFlow()) => bodyOf(await api.ask("POST", "/flows", { body: document })).id;
const published = async () => {
  const id = await created();
  expect((await api.ask("POST", `/flows/${id}/publish`, { body: { note: "first" } })).status).toBe(200);
  return id;
};

describe("flows", () => {
  it("are created, read, replaced, published and removed", async () => {
    const answer = await api.ask("POST", "/flows", { body: shopFlow() });
    expect(answer).toMatchObject({ status: 201, body: { problems: [] } });
    const { id } = bodyOf(answer);
    expect((await api.ask("GET", `/flows/${id}`)).body).toEqual(shopFlow());
    const put = await api.ask("PUT", `/flows/${id}`, { body: shopFlow({ name: "Renamed" }) });
    expect(put).toMatchObject({ status: 200, body: { id, revision: 2, problems: [] } });
    const publish = await api.ask("POST", `/flows/${id}/publish`, { body: { note: "first" } });
    expect(publish).toMatchObject({ status: 200, body: { version: 1 } });
    const state = bodyOf(await api.ask("GET", `/flows/${id}/state`));
    expect(state).toMatchObject({ live: 1, draft: { changed: false, problems: 0 }, paused: false });
    expect(state.nextRunAt).toMatch(/Z$/);
    expect((await api.ask("POST", `/flows/${id}/pause`)).body).toEqual({ paused: true });
    expect((await api.ask("POST", `/flows/${id}/resume`)).body).toEqual({ paused: false });
    expect(bodyOf(await api.ask("GET", `/flows/${id}/versions`)).items).toMatchObject([{ version: 1, note: "first" }]);
    expect((await api.ask("GET", `/flows/${id}/versions/1`)).body).toEqual(shopFlow({ name: "Renamed" }));
    expect((await api.ask("GET", `/flows/${id}/versions/2`)).status).toBe(404);
    expect((await api.ask("DELETE", `/flows/${id}`)).status).toBe(200);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/state"],
      ["POST", "/pause"],
    ] as const)
      expect((await api.ask(method, `/flows/${id}${path}`)).status).toBe(404);
  });

  it("are listed in pages", async () => {
    const ids = [await created(), await created(), await created()];
    const seen: unknown[] = [];
    for (let cursor = ""; ; ) {
      const page = bodyOf(await api.ask("GET", `/flows?limit=2${cursor}`));
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect((await api.ask("GET", "/flows?limit=1001")).status).toBe(400);
  });

  it("speak YAML as well", async () => {
    const yaml = { "content-type": "application/yaml", accept: "application/yaml" };
    const text = `format: plumbline/1\nname: From YAML\nsteps:\n  - { id: orders, kind: read, connection: shop, stream: orders }\n`;
    const answer = await api.ask("POST", "/flows", {
      raw: text,
      headers: { "content-type": "text/yaml; charset=utf-8" },
    });
    expect(answer.status).toBe(201);
    const { id } = bodyOf(answer);
    const got = await fetch(`${api.url}/api/v1/flows/${id}`, {
      headers: { ...yaml, authorization: `Bearer ${api.tokens.viewer}` },
    });
    expect(got.headers.get("content-type")).toContain("application/yaml");
    expect(parse(await got.text())).toMatchObject({ name: "From YAML", steps: [{ id: "orders" }] });
    const bad = await api.ask("PUT", `/flows/${id}`, {
      raw: "name: [1",
      headers: { "content-type": "application/yaml" },
    });
    expect(bad).toMatchObject({
      status: 400,
      body: { error: { code: "not-yaml", message: expect.stringContaining("line 1") } },
    });
    const list = await api.ask("POST", "/flows", { raw: "- 1", headers: { "content-type": "application/yaml" } });
    expect(list.status).toBe(400);
  });

  it("keep another's edit when the revision is named", async () => {
    const id = await created();
    const put = (headers: { [name: string]: string }, query = "") =>
      api.ask("PUT", `/flows/${id}${query}`, { body: shopFlow(), headers });
    expect((await put({ "if-match": '"1"' })).status).toBe(200);
    expect(await put({ "if-match": '"1"' })).toMatchObject({ status: 409, body: { error: { code: "stale-draft" } } });
    expect((await put({}, "?revision=1")).status).toBe(409);
    expect((await put({ "if-match": '"else"' })).status).toBe(409);
    expect((await put({})).status).toBe(200);
  });

  it("with problems are kept but not published, and the answer says what to mend", async () => {
    const answer = await api.ask("POST", "/flows", { body: { name: "Half", steps: "none" } });
    expect(answer.status).toBe(201);
    expect(bodyOf(answer).problems).toEqual(
      expect.arrayContaining([{ step: "", field: "steps", message: expect.any(String), remedy: expect.any(String) }]),
    );
    const publish = await api.ask("POST", `/flows/${bodyOf(answer).id}/publish`, { body: { note: "n" } });
    expect(publish).toMatchObject({
      status: 422,
      body: { error: { code: "has-problems", details: { problems: expect.any(Array) } } },
    });
    expect((await api.ask("POST", `/flows/${bodyOf(answer).id}/publish`, { body: {} })).status).toBe(400);
    for (const body of [[], "text", 7, null]) expect((await api.ask("POST", "/flows", { body })).status).toBe(400);
    expect((await api.ask("POST", "/flows/validate", { body: {} })).status).toBe(200);
  });
});

describe("runs", () => {
  it("are started, shown, listed and cancelled", async () => {
    const flow = await published();
    const start = await api.ask("POST", `/flows/${flow}/runs`, { body: { mode: "live", limit: 5 } });
    expect(start).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^\d+$/) } });
    const { id } = bodyOf(start);
    const run = bodyOf(await api.ask("GET", `/runs/${id}`));
    const none = { created: 0, updated: 0, deleted: 0, unchanged: 0, filtered: 0, duplicate: 0, dead: 0, held: 0 };
    expect(run).toMatchObject({ id, state: "queued", mode: "live", kind: "flow", flow, version: 1, trigger: "api" });
    expect(run).toMatchObject({
      startedAt: null,
      finishedAt: null,
      counts: { read: 0, ...none },
      startedBy: "token A owner",
    });
    expect(run.steps).toMatchObject(
      ["orders", "check", "invoice", "books"].map((step) => ({ id: step, in: 0, out: 0 })),
    );
    expect(run).not.toHaveProperty("error");
    expect(bodyOf(await api.ask("GET", `/runs?flow=${flow}&state=queued`)).items).toMatchObject([{ id }]);
    expect(bodyOf(await api.ask("GET", `/runs?flow=${flow}&state=failed`)).items).toEqual([]);
    expect((await api.ask("GET", "/runs?state=unknown")).status).toBe(400);
    expect((await api.ask("POST", `/runs/${id}/cancel`)).body).toEqual({ ok: true, state: "cancelled" });
    expect(await api.ask("POST", `/runs/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { error: { code: "run-finished" } },
    });
    const bad = [{}, { mode: "wet" }, { mode: "live", limit: 0 }, { mode: "live", limit: "all" }];
    for (const body of bad) expect((await api.ask("POST", `/flows/${flow}/runs`, { body })).status).toBe(400);
  });

  it("are undone, and an undo counts what it restored", async () => {
    const flow = await published();
    const id = await insertRunRow(api.owner, { flow_id: flow, read: 1, created: 1 });
    await insertChange(api.owner, { run_id: id, flow_id: flow, record_key: "4711" });
    expect(bodyOf(await api.ask("GET", `/runs/${id}/changes`)).items).toMatchObject([
      { key: "4711", step: "books", operation: "create", before: null, after: { total: 1 }, undo: "possible" },
    ]);
    const preview = await api.ask("POST", `/runs/${id}/undo`, { body: { preview: true, onConflict: "skip" } });
    expect(preview.status).toBe(202);
    const undo = await api.ask("POST", `/runs/${id}/undo`);
    const run = bodyOf(await api.ask("GET", `/runs/${bodyOf(undo).id}`));
    expect(run).toMatchObject({ kind: "undo", mode: "live", flow, parent: id });
    expect(run.counts).toEqual({ read: 0, restored: 0, conflict: 0, failed: 0 });
    expect((await api.ask("POST", `/runs/${id}/undo`, { body: { onConflict: "maybe" } })).status).toBe(400);
    expect((await api.ask("POST", `/runs/${id}/undo`, { token: api.tokens.builder })).status).toBe(403);
  });

  it("are undone all together, since a moment", async () => {
    const flow = await published();
    const path = `/flows/${flow}/undo`;
    const since = new Date(Date.now() - 60_000).toISOString();
    const ask = (body: object, token?: string) => api.ask("POST", path, { body, ...(token ? { token } : {}) });
    expect(await ask({ since })).toMatchObject({ status: 409, body: { error: { code: "nothing-to-undo" } } });
    const id = await insertRunRow(api.owner, { flow_id: flow, started_at: new Date(Date.now() - 1000) });
    await insertChange(api.owner, { run_id: id, flow_id: flow, record_key: "4711" });
    expect((await ask({ since }, api.tokens.builder)).status).toBe(403);
    expect((await ask({})).status).toBe(400);
    expect((await ask({ since: "yesterday" })).status).toBe(400);
    expect(await ask({ since: "2026-01-01T00:00:00+01:00" })).toMatchObject({
      status: 422,
      body: { error: { code: "too-long-ago", details: { days: 90 } } },
    });
    const preview = await ask({ since, preview: true }, api.tokens.operator);
    expect(preview.status).toBe(202);
    const run = bodyOf(await api.ask("GET", `/runs/${bodyOf(preview).id}`));
    expect(run).toMatchObject({ kind: "undo", mode: "dry", flow, since });
    expect(run).not.toHaveProperty("parent");
    const { status, body } = await ask({ since, onConflict: "force" });
    expect(status).toBe(202);
    expect(await ask({ since })).toMatchObject({ status: 409, body: { error: { code: "run-not-finished" } } });
    expect((body as Body).id).toMatch(/^\d+$/);
    expect((await api.ask("POST", "/flows/flow_none/undo", { body: { since } })).status).toBe(404);
  });
});

describe("dead letters and journeys", () => {
  it("are listed, grouped, replayed, dismissed and told", async () => {
    const flow = await published();
    const columns = { flow_id: flow, group_id: "group_api", field: "email", key: "order-1" };
    const [one, two] = [await insertLetter(api.owner, columns), await insertLetter(api.owner, columns)];
    const list = bodyOf(await api.ask("GET", `/dead-letters?flow=${flow}&limit=1`));
    expect(list.items).toMatchObject([
      { group: "group_api", flow, run: "1", step: "check", field: "email", state: "open" },
    ]);
    expect(
      bodyOf(await api.ask("GET", `/dead-letters?flow=${flow}&cursor=${encodeURIComponent(list.next ?? "")}`)).items,
    ).toHaveLength(1);
    expect((await api.ask("GET", "/dead-letters?cursor=x")).status).toBe(400);
    expect(bodyOf(await api.ask("GET", `/dead-letters/groups?flow=${flow}`)).items).toMatchObject([
      { id: "group_api", count: 2, step: "check", field: "email", flows: [flow] },
    ]);
    expect((await api.ask("GET", `/dead-letters/${one}`)).body).toMatchObject({ id: one, source: { mail: "x" } });
    const replay = await api.ask("POST", "/dead-letters/replay", {
      body: { ids: [one], patch: { email: "a@b.example" } },
    });
    expect(replay.status).toBe(202);
    expect((await api.ask("GET", `/runs/${bodyOf(replay).id}`)).body).toMatchObject({ kind: "replay", flow });
    const ids = async (query: string) =>
      bodyOf(await api.ask("GET", `/dead-letters?flow=${flow}${query}`)).items.map(({ id }) => id);
    expect(await ids("")).toEqual([two]); // the open list: the replayed one left it at once
    expect(await ids("&state=replaying")).toEqual([one]);
    expect(await ids(`&run=${bodyOf(replay).id}`)).toEqual([one]);
    expect(await api.ask("POST", "/dead-letters/replay", { body: { ids: [one] } })).toMatchObject({
      status: 409,
      body: { error: { code: "letters-not-open", details: { ids: [one] } } },
    });
    const dismiss = await api.ask("POST", "/dead-letters/dismiss", { body: { group: "group_api", note: "tests" } });
    expect(dismiss).toMatchObject({ status: 200, body: { dismissed: 1 } });
    expect(bodyOf(await api.ask("GET", `/dead-letters?flow=${flow}&state=dismissed`)).items).toMatchObject([
      { id: two },
    ]);
    expect(bodyOf(await api.ask("GET", "/records?key=order-1")).items.map(({ event }) => event)).toEqual([
      "failed",
      "failed",
      "dismissed",
    ]);
    expect((await api.ask("GET", "/records")).status).toBe(400);
    expect((await api.ask("GET", "/records?key=%00")).status).toBe(400);
  });
});
