import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeDatabase, databaseFor } from "../db/prisma.ts";
import { createApiServer } from "../http-server.ts";
import { startApi, type TestApi } from "../testing/api-server.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { routes } from "./routes.ts";

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await testDatabase("api");
  api = await startApi(database);
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const errorOf = (body: unknown) => (body as { error: { code: string; message: string; details?: unknown } }).error;

describe("health", () => {
  it("needs no token and is degraded until a worker was seen within 15 s", async () => {
    const before = await api.ask("GET", "/health", { token: null });
    expect(before).toMatchObject({ status: 200, body: { status: "degraded", database: "ok", workers: [] } });
    const enter = (id: string, secondsAgo: number) =>
      database.pool.query(
        `insert into process (id, role, pid, host, version, seen_at, pool_ids)
         values ($1, 'worker', 42, 'here', '0', now() - make_interval(secs => $2), '{}')`,
        [id, secondsAgo],
      );
    await enter("dead", 20);
    expect((await api.ask("GET", "/health")).body).toMatchObject({ status: "degraded" });
    await enter("alive", 2);
    expect((await api.ask("GET", "/health")).body).toMatchObject({
      status: "ok",
      version: expect.stringMatching(/^\d+\.\d+/),
      workers: [{ id: "alive", pid: 42, host: "here", seenAt: expect.stringMatching(/Z$/) }],
    });
  });
});

describe("without its database", () => {
  it("says so, in health and in every answer, and never shows a stack", async () => {
    const away = databaseFor("postgres://nobody@127.0.0.1:1/none");
    const { server, stop } = createApiServer(away);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
    try {
      const health = await fetch(`${url}/health`);
      expect(await health.json()).toMatchObject({ status: "degraded", database: "unreachable", workers: [] });
      const answer = await fetch(`${url}/connections`, { headers: { authorization: "Bearer plb_x" } });
      expect(answer.status).toBe(503);
      expect(errorOf(await answer.json()).code).toBe("database-unavailable");
    } finally {
      await stop(500);
      await closeDatabase(away.url);
    }
  });
});

describe("who may ask", () => {
  it("answers 401 without and with an unknown token", async () => {
    for (const token of [null, "plb_nobody"]) {
      const { status, body, headers } = await api.ask("GET", "/connections", { token });
      expect(status).toBe(401);
      expect(errorOf(body).code).toBe("unauthorized");
      expect(headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  it("answers 401 before 404 and 405: who may not come in is not told what there is", async () => {
    for (const token of [null, "plb_nobody"])
      for (const [method, path] of [
        ["GET", "/nowhere"],
        ["GET", "/health/deep"],
        ["GET", ""],
        ["PUT", "/tokens"],
        ["OPTIONS", "/tokens/x"],
        ["DELETE", "/connections/con_none"],
        ["POST", "/flows"],
      ] as const) {
        const { status, body } = await api.ask(method, path, { token });
        expect([method, path, status, errorOf(body).code]).toEqual([method, path, 401, "unauthorized"]);
      }
    expect((await api.ask("GET", "/nowhere", { token: api.tokens.viewer })).status).toBe(404);
    expect((await api.ask("PUT", "/tokens", { token: api.tokens.viewer })).status).toBe(405);
  });

  it("lets everybody ask for health and the document, and says there which methods they take", async () => {
    for (const path of ["/health", "/openapi.json"])
      for (const token of [null, "plb_nobody"]) {
        expect((await api.ask("GET", path, { token })).status).toBe(200);
        const wrong = await api.ask("POST", path, { token });
        expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
      }
  });

  it("answers 403 before 404 and before the body is looked at", async () => {
    const missing = await api.ask("DELETE", "/connections/con_none", { token: api.tokens.builder });
    expect(missing.status).toBe(403);
    expect(errorOf(missing.body)).toMatchObject({ code: "forbidden", details: { needed: "admin", found: "builder" } });
    const bad = await api.ask("POST", "/connections", { token: api.tokens.viewer, raw: "{" });
    expect(bad.status).toBe(403);
    expect((await api.ask("DELETE", "/connections/con_none")).status).toBe(404);
  });

  it("accepts PLUMBLINE_API_TOKEN as an owner's token", async () => {
    process.env.PLUMBLINE_API_TOKEN = "a token from the environment";
    try {
      const answer = await api.ask("GET", "/tokens", { token: "a token from the environment" });
      // a token with blanks cannot be sent as a bearer token; one without can
      expect(answer.status).toBe(401);
      process.env.PLUMBLINE_API_TOKEN = "environment-token-0123456789";
      expect((await api.ask("GET", "/tokens", { token: "environment-token-0123456789" })).status).toBe(200);
    } finally {
      delete process.env.PLUMBLINE_API_TOKEN;
    }
    expect((await api.ask("GET", "/tokens", { token: "environment-token-0123456789" })).status).toBe(401);
  });

  it("shows every row only to its own workspace", async () => {
    const other = await startApi(database);
    try {
      const { body } = await other.ask("POST", "/tokens", { body: { name: "Theirs", role: "viewer" } });
      const { id } = body as { id: string };
      expect((await api.ask("DELETE", `/tokens/${id}`)).status).toBe(404);
      expect(JSON.stringify((await api.ask("GET", "/tokens")).body)).not.toContain(id);
    } finally {
      await other.stop();
    }
  });
});

describe("bad requests", () => {
  it.each([
    ["no such path", "GET", "/nowhere", {}, 404, "unknown-path"],
    ["a path below a path", "GET", "/health/deep", {}, 404, "unknown-path"],
    ["another method", "PUT", "/tokens", { body: {} }, 405, "wrong-method"],
    ["a body that is not JSON", "POST", "/tokens", { raw: "name=x" }, 400, "not-json"],
    ["a body that is not UTF-8", "POST", "/tokens", { raw: Uint8Array.of(0x22, 0xff, 0x22) }, 400, "not-json"],
    ["a bottomless body", "POST", "/connections", { raw: `${"[".repeat(5_000)}${"]".repeat(5_000)}` }, 400, "not-json"],
    ["no body at all", "POST", "/tokens", {}, 400, "invalid"],
    ["a body of the wrong shape", "POST", "/tokens", { body: { name: "" } }, 400, "invalid"],
    ["a limit that is too large", "GET", "/connections?limit=1001", {}, 400, "invalid"],
    ["a limit that is not plain digits", "GET", "/connections?limit=1e2", {}, 400, "invalid"],
    ["a limit with a blank", "GET", "/flows?limit=%205", {}, 400, "invalid"],
    ["an id that cannot be stored", "GET", "/connections/a%00b", {}, 404, "not-found"],
    ["an id that is too long", "GET", `/flows/${"x".repeat(500)}`, {}, 404, "not-found"],
    ["an id of another form", "POST", "/approvals/soon", { body: { decision: "yes" } }, 404, "not-found"],
    ["a body over 10 MB", "POST", "/tokens", { raw: "x".repeat(10 * 1024 * 1024 + 1) }, 413, "body-too-large"],
  ])("answers %s with a code", async (_what, method, path, ask, status, code) => {
    const answer = await api.ask(method, path, ask);
    expect(answer.status).toBe(status);
    expect(errorOf(answer.body).code).toBe(code);
    expect(errorOf(answer.body).message).not.toMatch(/\bat .*\.ts|node_modules/);
  });

  it("answers a large upload without a length as well, so that its sender can read why", async () => {
    const chunk = new Uint8Array(1024 * 1024).fill(0x20);
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => (sent++ < 20 ? controller.enqueue(chunk) : controller.close()),
    });
    const init = {
      method: "POST",
      body: stream,
      duplex: "half",
      headers: { authorization: `Bearer ${api.tokens.owner}` },
    };
    const response = await fetch(`${api.url}/api/v1/tokens`, init as RequestInit);
    expect(response.status).toBe(413);
    expect(errorOf(await response.json()).code).toBe("body-too-large");
  });

  it("says where a body is wrong", async () => {
    const { body } = await api.ask("POST", "/tokens", { body: { name: "", role: "king" } });
    expect(errorOf(body).details).toEqual([
      { path: "name", message: "give it a name" },
      { path: "role", message: expect.any(String) },
    ]);
  });

  it("names the methods that are possible", async () => {
    const wrong = await api.ask("PUT", "/tokens", { body: {} });
    expect(wrong.headers.get("allow")).toBe("GET, POST, HEAD, OPTIONS");
    const options = await api.ask("OPTIONS", "/tokens/x", { token: api.tokens.viewer });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "DELETE, OPTIONS"]);
  });

  it("answers HEAD like GET, without the body", async () => {
    const head = await api.ask("HEAD", "/health", { token: null });
    expect(head.status).toBe(200);
    expect(head.body).toBeUndefined();
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(10);
  });

  it("carries security headers, and keeps the intake's address free", async () => {
    const response = await fetch(`${api.url}/hooks/some-flow`, { method: "POST", body: "{}" });
    expect(response.status).toBe(404);
    expect(((await response.json()) as { error: { code: string } }).error.code).toBe("not-found");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
});

describe("tokens", () => {
  it("are shown once, stored as a hash, work until removed and remember their last use", async () => {
    const made = await api.ask("POST", "/tokens", {
      token: api.tokens.admin,
      body: { name: "Script", role: "viewer" },
    });
    expect(made.status).toBe(201);
    const { id, token } = made.body as { id: string; token: string };
    expect(token).toMatch(/^plb_[\w-]{43}$/);
    const { rows } = await database.pool.query("select * from api_token where id = $1", [id]);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect((await api.ask("GET", "/connections", { token })).status).toBe(200);
    const list = (await api.ask("GET", "/tokens")).body as { items: { id: string; lastUsedAt: string | null }[] };
    expect(list.items.find((item) => item.id === id)?.lastUsedAt).toMatch(/Z$/);
    expect((await api.ask("DELETE", `/tokens/${id}`)).body).toEqual({ ok: true });
    expect((await api.ask("GET", "/connections", { token })).status).toBe(401);
  });

  it("cannot be made above one's own role", async () => {
    const made = await api.ask("POST", "/tokens", { token: api.tokens.admin, body: { name: "More", role: "owner" } });
    expect([made.status, errorOf(made.body).code]).toEqual([403, "forbidden"]);
  });

  it("come in pages", async () => {
    const names = new Set<string>();
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const page = (await api.ask("GET", `/tokens?limit=2${query}`)).body as {
        items: { id: string }[];
        next: string | null;
      };
      expect(page.items.length).toBeLessThanOrEqual(2);
      for (const { id } of page.items) names.add(id);
      cursor = page.next;
    } while (cursor !== null);
    expect(names.size).toBeGreaterThanOrEqual(5);
  });
});

describe("the OpenAPI document", () => {
  type Operation = {
    responses: { [status: string]: { content?: { [type: string]: { schema?: object } } } };
    requestBody?: object;
  };
  type Document = { openapi: string; paths: { [path: string]: { [method: string]: Operation } }; components: object };

  it("has every route with response schemas, and request schemas where there is a body", async () => {
    const { body, status } = await api.ask("GET", "/openapi.json", { token: null });
    expect(status).toBe(200);
    const document = body as Document;
    expect(document.openapi).toBe("3.1.0");
    for (const route of routes) {
      const operation = document.paths[route.path.replaceAll(/:([^/]+)/g, "{$1}")]?.[route.method.toLowerCase()];
      expect(operation, `${route.method} ${route.path}`).toBeTruthy();
      const answers = Object.entries(operation?.responses ?? {});
      expect(answers.map(([key]) => key)).toContain(String(route.status));
      for (const [key, answer] of answers) {
        const schema = answer.content?.["application/json"]?.schema;
        expect(Object.keys(schema ?? {}).length, `${route.method} ${route.path} ${key}`).toBeGreaterThan(0);
      }
      expect(Boolean(operation?.requestBody), `${route.method} ${route.path} body`).toBe(Boolean(route.body));
    }
  });

  it("has the address of webhooks, which is not below /api/v1 and needs no token", async () => {
    const { body } = await api.ask("GET", "/openapi.json");
    const item = (body as Document).paths["/hooks/{flowKey}"];
    expect(item).toMatchObject({ servers: [{ url: "/" }], post: { security: [], requestBody: expect.anything() } });
    const answers = Object.values(item?.post?.responses ?? {});
    expect(answers.length).toBeGreaterThan(5);
    for (const { content } of answers) expect(content?.["application/json"]?.schema).toBeTruthy();
  });

  it("describes every named schema, not by its own name", async () => {
    const { body } = await api.ask("GET", "/openapi.json");
    const { schemas } = (body as { components: { schemas: { [name: string]: object } } }).components;
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(["Connection", "Connector", "Error"]));
    for (const [name, schema] of Object.entries(schemas)) expect(schema, name).not.toHaveProperty("$ref");
  });

  it("refers only to what it holds", async () => {
    const { body } = await api.ask("GET", "/openapi.json");
    const text = JSON.stringify(body);
    const refs = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref as string));
    expect(refs.size).toBeGreaterThan(3);
    for (const ref of refs) {
      const found = ref
        .replace(/^#\//, "")
        .split("/")
        .reduce<unknown>((node, name) => (node as { [key: string]: unknown } | undefined)?.[name], body);
      expect(found, ref).toBeTruthy();
    }
  });
});
