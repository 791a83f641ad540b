import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { startFakeRest } from "../testing/fake-rest.ts";
import { errorOf } from "../testing/sessions.ts";
import { createHttp, type HttpOptions } from "./http.ts";
import { messageInBody, retryAfterMs } from "./http-errors.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  open.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(baseUrl: string, options: Partial<HttpOptions> = {}) {
  const http = createHttp({ name: "Shop", baseUrl, allowPrivateNetwork: true, ...options });
  open.push(() => http.close());
  return http;
}

const answering = (
  status: number,
  body: string,
  headers: Record<string, string> = { "content-type": "application/json" },
) => serve((_, response) => void response.writeHead(status, headers).end(body));

describe("statuses", () => {
  const cases: [number, "list" | "record", string, string][] = [
    [401, "list", "credentials", "credentials-refused"],
    [403, "list", "credentials", "access-denied"],
    [404, "list", "settings", "path-not-found"],
    [404, "record", "rejected", "record-not-found"],
    [400, "record", "rejected", "refused"],
    [409, "record", "rejected", "conflict"],
    [412, "record", "rejected", "refused"],
    [422, "record", "rejected", "refused"],
    [408, "record", "transient", "unavailable"],
    [425, "record", "transient", "unavailable"],
    [429, "list", "transient", "rate-limited"],
    [500, "record", "transient", "server-error"],
    [503, "list", "transient", "unavailable"],
    [405, "record", "settings", "method-not-allowed"],
  ];
  it.each(cases)("%i about a %s is %s (%s)", async (status, about, kind, code) => {
    const http = client(await answering(status, '{"message":"so it is"}'));
    const error = await errorOf(http.post("/things", { body: {}, about }));
    expect(error).toMatchObject({ kind, code });
    expect(error.message).toContain("so it is");
    expect(error.message).toContain("Shop");
  });

  it("reads the wait from Retry-After and its relatives", () => {
    const now = Date.UTC(2026, 10, 23, 10);
    expect(retryAfterMs({ "retry-after": "7" }, now)).toBe(7000);
    expect(retryAfterMs({ "retry-after": "Mon, 23 Nov 2026 10:00:30 GMT" }, now)).toBe(30_000);
    expect(retryAfterMs({ "x-ratelimit-reset": String(now / 1000 + 5) }, now)).toBe(5000);
    expect(retryAfterMs({ "ratelimit-reset": "12" }, now)).toBe(12_000);
    expect(retryAfterMs({ "x-ratelimit-reset": String(now / 1000 + 1e7) }, now)).toBeUndefined();
    expect(retryAfterMs({}, now)).toBeUndefined();
  });

  it.each([
    [{ message: "m" }, "m"],
    [{ error: "e" }, "e"],
    [{ error: { message: "em", code: 7 } }, "em"],
    [{ errors: [{ field: "mail", message: "bad" }, { message: "worse" }] }, "mail: bad; worse"],
    [{ errors: { mail: ["is taken", "is odd"] } }, "mail: is taken; is odd"],
    [{ title: "Bad Request", status: 400 }, "Bad Request"],
    [{ type: "about:blank", title: "Invalid", detail: "No such VAT code" }, "No such VAT code"],
    [{ error: "invalid_client", error_description: "Unknown client" }, "Unknown client"],
    ["<html>oops</html>", undefined],
    [{ ok: false }, undefined],
  ])("finds the message in %j", (body, message) => {
    expect(messageInBody(body as never)).toBe(message);
  });
});

describe("answers", () => {
  it("quotes the beginning of what is not JSON", async () => {
    const html = await errorOf(
      client(await answering(200, "<html><title>Sign in</title>", { "content-type": "text/html" })).get("/x"),
    );
    expect(html).toMatchObject({ kind: "settings", code: "answer-not-json" });
    expect(html.message).toContain("<html><title>Sign in");
    const broken = await errorOf(client(await answering(200, '{"items":[{"a"')).get("/x"));
    expect(broken).toMatchObject({ kind: "transient", code: "answer-not-json" });
  });

  it("does not take a sign-in page for the success of a write", async () => {
    const http = client(await answering(200, "<html>Sign in</html>", { "content-type": "text/html; charset=utf-8" }));
    expect(await errorOf(http.post("/x", { body: {}, about: "record" }))).toMatchObject({
      kind: "settings",
      code: "answer-not-json",
    });
    expect(await client(await answering(200, "OK", { "content-type": "text/plain" })).post("/x", { body: {} })).toBe(
      "OK",
    );
  });

  it("refuses answers over the limit, also when they come compressed", async () => {
    const big = gzipSync(JSON.stringify("x".repeat(3_000_000)));
    const url = await serve(
      (_, response) =>
        void response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(big),
    );
    const error = await errorOf(client(url, { maxAnswerBytes: 1024 * 1024 }).get("/x"));
    expect(error).toMatchObject({ kind: "settings", code: "answer-too-large" });
    expect(await client(url).get("/x")).toHaveLength(3_000_000);
  });

  it("names the place where an answer has another shape", async () => {
    const error = await errorOf(
      client(await answering(200, '{"items":[{"id":5}]}')).get("/x", {
        schema: z.object({ items: z.array(z.object({ id: z.string() })) }),
      }),
    );
    expect(error).toMatchObject({ code: "unexpected-answer" });
    expect(error.message).toContain("items.0.id");
  });

  it("tells a lost answer from one that never was sent", async () => {
    const silent = client(await serve(() => {}), { timeoutMs: 150 });
    expect(await errorOf(silent.get("/x"))).toMatchObject({ kind: "transient", code: "answer-timeout" });
    expect(await errorOf(silent.post("/x", { body: {} }))).toMatchObject({
      kind: "transient",
      code: "outcome-unknown",
    });
    const cutting = client(await serve((request) => request.socket.destroy()));
    expect(await errorOf(cutting.post("/x", { body: {} }))).toMatchObject({ code: "outcome-unknown" });
    expect(await errorOf(client("http://127.0.0.1:9").post("/x", { body: {} }))).toMatchObject({ code: "unreachable" });
  });

  it("gives the caller's own reason when it is stopped", async () => {
    const silent = client(await serve(() => {}));
    const error = await errorOf(silent.get("/x", { signal: AbortSignal.timeout(50) }));
    expect(error.name).toBe("TimeoutError");
    expect(error).not.toHaveProperty("kind");
  });
});

describe("where requests may go", () => {
  it("refuses private addresses unless allowed, by name and by number", async () => {
    for (const host of ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
      expect(await errorOf(client(`http://${host}:9/`, { allowPrivateNetwork: false }).get("/x"))).toMatchObject({
        code: "network-not-allowed",
      });
    expect(await errorOf(client("http://169.254.169.254/").get("/x"))).toMatchObject({ code: "network-not-allowed" });
  });

  it("judges every redirect anew, and sends credentials to no other host", async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization, request.headers["x-tenant"] as string | undefined);
      response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');
    });
    const elsewhere = other.replace("127.0.0.1", "localhost");
    const fake = await startFakeRest({
      redirects: { "/away": `${elsewhere}/x`, "/metadata": "http://169.254.169.254/latest" },
    });
    open.push(() => fake.close());
    const http = client(fake.url, { auth: { kind: "bearer", token: "very-secret" }, headers: { "X-Tenant": "acme" } });
    expect(await http.get("/away")).toEqual({ ok: true });
    expect(seen).toEqual([undefined, undefined]);
    expect(await errorOf(http.get("/metadata"))).toMatchObject({ code: "network-not-allowed" });
    expect(await errorOf(http.post("/away", { body: {} }))).toMatchObject({ kind: "settings", code: "redirected" });
    expect(await errorOf(http.get(`${elsewhere}/x`))).toMatchObject({ code: "other-host" });
  });
});

describe("sign-in", () => {
  it.each([
    { kind: "basic", username: "ana", password: "geheim-1" },
    { kind: "bearer", token: "geheim-2" },
    { kind: "apiKey", name: "X-Api-Key", in: "header", value: "geheim-3" },
    { kind: "apiKey", name: "key", in: "query", value: "geheim 4/+" },
  ] as const)("by $kind is let in, and a refusal does not repeat the secret", async (auth) => {
    const fake = await startFakeRest({ auth, collections: { things: {} } });
    open.push(() => fake.close());
    expect(await client(fake.url, { auth }).get("/things")).toEqual([]);
    const wrong = Object.fromEntries(
      Object.entries(auth).map(([name, value]) => [name, value.startsWith("geheim") ? `falsch-${value}` : value]),
    ) as typeof auth;
    const error = await errorOf(client(fake.url, { auth: wrong }).get("/things"));
    expect(error).toMatchObject({ kind: "credentials", code: "credentials-refused" });
    expect(JSON.stringify(error) + error.message + String(error.cause)).not.toMatch(/falsch|ZmFsc2No/);
  });

  it.each(["header", "body"] as const)(
    "by OAuth 2 (client in %s) fetches one token for all, and another when it is refused",
    async (clientIn) => {
      const fake = await startFakeRest({
        auth: { kind: "oauth2", clientId: "id", clientSecret: "geheim:5", lifeS: 1.5 },
        collections: { things: {} },
      });
      open.push(() => fake.close());
      const grant = { tokenUrl: `${fake.url}/oauth/token`, clientId: "id", clientSecret: "geheim:5", clientIn };
      const tokens = () => fake.log.filter((one) => one.path === "/oauth/token").length;
      const http = client(fake.url, { auth: { kind: "oauth2", ...grant } });
      await Promise.all([1, 2, 3, 4].map(() => http.get("/things")));
      expect(tokens()).toBe(1);
      await new Promise((done) => setTimeout(done, 1600));
      await http.get("/things");
      expect(tokens()).toBe(2);
      const wrong = client(fake.url, { auth: { kind: "oauth2", ...grant, clientSecret: "falsch" } });
      expect(await errorOf(wrong.get("/things"))).toMatchObject({ kind: "credentials", code: "no-token" });
    },
  );
});
