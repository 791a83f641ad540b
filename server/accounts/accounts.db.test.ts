import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { handleAuth } from "../auth/sign-in.ts";
import { personBehind } from "../auth/who.ts";
import { callerFor, testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { handleTrpc } from "../trpc/handler.ts";
import { createCaller } from "../trpc/root.ts";
import { accountsFromEnvironment } from "./accounts-from-environment.ts";
import { ensureWorkspace } from "./ensure-workspace.ts";

let database: TestDatabase;
beforeEach(async () => {
  process.env.PLUMBLINE_SECRET_KEY = "a secret key for tests";
  database = await testDatabase("accounts");
});
afterEach(() => database.drop());

const ana = { name: "Ana", email: "Ana@Example.com", password: "correct horse" };

/** A caller who is signed out, and the headers it is answered with. */
function visitor(host = "127.0.0.1:3000", more: { [name: string]: string } = {}) {
  const responseHeaders = new Headers();
  const headers = new Headers({ host, ...more });
  const { db, pool } = database;
  return { caller: createCaller({ db, pool, headers, responseHeaders, signedIn: null }), responseHeaders };
}
const cookieOf = (headers: Headers) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");

function signInRequest(email: string, password: string, headers: { [name: string]: string } = {}): Request {
  return new Request("http://localhost/api/auth/sign-in/email", {
    method: "POST",
    headers: { host: "localhost:8080", "content-type": "application/json", ...headers },
    body: JSON.stringify({ email, password }),
  });
}

describe("the first account", () => {
  it("makes the workspace, its owner and the job for the sample company, and signs in", async () => {
    const { caller, responseHeaders } = visitor();
    expect(await caller.session.setup()).toEqual({ needsFirstAccount: true, sample: false });
    expect(await caller.session.createFirstAccount({ ...ana, company: "Northwind" })).toEqual({ ok: true });
    const cookie = cookieOf(responseHeaders);
    const signedIn = await personBehind(database, new Headers({ cookie }));
    expect(signedIn?.actor).toMatchObject({ name: "ana@example.com", role: "owner", kind: "person" });
    if (!signedIn) return;
    expect(await callerFor(signedIn).session.me()).toMatchObject({
      user: { name: "Ana", email: "ana@example.com" },
      workspace: { name: "Northwind" },
      role: "owner",
    });
    const { rows } = await database.pool.query(
      "select count(*)::int as jobs from graphile_worker.jobs where task_identifier = 'create-sample-company'",
    );
    expect(rows[0].jobs).toBe(1);
    expect(await caller.session.setup()).toMatchObject({ needsFirstAccount: false });
  });

  it("goes to one of two visitors who come at once", async () => {
    const tries = await Promise.allSettled([
      visitor().caller.session.createFirstAccount(ana),
      visitor().caller.session.createFirstAccount({ ...ana, email: "ben@example.com" }),
    ]);
    expect(tries.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await database.db.user.count()).toBe(1);
    expect(await database.db.workspace.count()).toBe(1);
    const refused = tries.find((result) => result.status === "rejected");
    expect(refused?.reason).toMatchObject({ code: "CONFLICT", cause: { code: "account-exists" } });
  });

  it("joins the workspace that a token made before", async () => {
    const before = await ensureWorkspace(database);
    await visitor().caller.session.createFirstAccount(ana);
    const membership = await database.db.membership.findFirstOrThrow();
    expect(membership).toMatchObject({ workspaceId: before, role: "owner" });
  });

  it("needs a password of ten characters", async () => {
    await expect(visitor().caller.session.createFirstAccount({ ...ana, password: "too short" })).rejects.toThrow(/10/);
  });

  it("comes from the environment once, and its password is left alone afterwards", async () => {
    const env = { PLUMBLINE_OWNER_EMAIL: "Owner@Example.com", PLUMBLINE_OWNER_PASSWORD: "first password" };
    await Promise.all([accountsFromEnvironment(database, env), accountsFromEnvironment(database, env)]);
    await accountsFromEnvironment(database, { ...env, PLUMBLINE_OWNER_PASSWORD: "second password" });
    expect(await database.db.user.count()).toBe(1);
    expect((await handleAuth(signInRequest("owner@example.com", "first password"), database)).status).toBe(200);
    expect((await handleAuth(signInRequest("owner@example.com", "second password"), database)).status).toBe(401);
    await expect(accountsFromEnvironment(database, { PLUMBLINE_OWNER_EMAIL: "x@example.com" })).rejects.toThrow(/both/);
    await expect(accountsFromEnvironment(database, { ...env, PLUMBLINE_OWNER_PASSWORD: "short" })).rejects.toThrow(
      /PLUMBLINE_OWNER_PASSWORD.*10/,
    );
  });
});

describe("signing in", () => {
  it("works on any host, with a cookie scripts cannot read, marked Secure behind https only", async () => {
    await visitor().caller.session.createFirstAccount(ana);
    for (const host of ["localhost:8080", "127.0.0.1:3000", "flows.example.com"]) {
      const answer = await handleAuth(
        signInRequest(ana.email, ana.password, { host, origin: `http://${host}`, cookie: "a=b" }),
        database,
      );
      expect([host, answer.status]).toEqual([host, 200]);
      const [cookie] = answer.headers.getSetCookie();
      expect(cookie).toMatch(/HttpOnly/i);
      expect(cookie).toMatch(/SameSite=Lax/i);
      expect(cookie).not.toMatch(/Secure/i);
    }
    const proxied = { "x-forwarded-proto": "https", "x-forwarded-host": "flows.example.com" };
    const secure = await handleAuth(
      signInRequest(ana.email, ana.password, { ...proxied, origin: "https://flows.example.com", cookie: "a=b" }),
      database,
    );
    expect(secure.status).toBe(200);
    expect(secure.headers.getSetCookie()[0]).toMatch(/; Secure/);
  });

  it("is refused from a page of another origin, and as sign-up", async () => {
    await visitor().caller.session.createFirstAccount(ana);
    const foreign = { origin: "https://evil.example", cookie: "a=b" };
    expect((await handleAuth(signInRequest(ana.email, ana.password, foreign), database)).status).toBe(403);
    const signUp = new Request("http://localhost/api/auth/sign-up/email", {
      method: "POST",
      headers: { host: "localhost:8080", "content-type": "application/json" },
      body: JSON.stringify({ ...ana, email: "eve@example.com" }),
    });
    expect((await handleAuth(signUp, database)).status).toBeGreaterThanOrEqual(400);
    expect(await database.db.user.count()).toBe(1);
  });

  it("is slowed down after many wrong passwords from one address", async () => {
    await visitor().caller.session.createFirstAccount(ana);
    const from = { "x-plumbline-client": "203.0.113.9" };
    const statuses: number[] = [];
    for (let i = 0; i < 24; i++)
      statuses.push((await handleAuth(signInRequest(ana.email, `wrong guess ${i}`, from), database)).status);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
    expect(statuses.at(-1)).toBe(429);
    const other = { "x-plumbline-client": "203.0.113.10" };
    expect((await handleAuth(signInRequest(ana.email, ana.password, other), database)).status).toBe(200);
  });
});

describe("one's own account", () => {
  const ask = (path: string, cookie: string, body: object) =>
    handleAuth(
      new Request(`http://localhost/api/auth/${path}`, {
        method: "POST",
        headers: {
          host: "localhost:8080",
          origin: "http://localhost:8080",
          "content-type": "application/json",
          cookie,
        },
        body: JSON.stringify(body),
      }),
      database,
    );
  const entries = async () =>
    (await database.db.audit.findMany({ where: { action: { startsWith: "person." } }, orderBy: { id: "asc" } })).map(
      ({ action, actor, detail }) => ({ action, actor, detail }),
    );

  /** Ana on two devices. */
  async function twice() {
    await visitor().caller.session.createFirstAccount(ana);
    const cookies = [];
    for (let device = 0; device < 2; device++)
      cookies.push(cookieOf((await handleAuth(signInRequest(ana.email, ana.password), database)).headers));
    await database.db.audit.deleteMany();
    await database.db.session.deleteMany({ where: { token: { notIn: cookies.map(tokenIn) } } });
    return cookies as [string, string];
  }
  const tokenIn = (cookie: string) => decodeURIComponent(cookie).match(/session_token=([^.]+)/)?.[1] ?? "";
  const behind = (cookie: string) => personBehind(database, new Headers({ cookie }));

  it("gets a new password by the one of now, is signed out elsewhere, and the log says so without either password", async () => {
    const [here, there] = await twice();
    const change = { currentPassword: ana.password, newPassword: "battery staple", revokeOtherSessions: true };
    expect((await ask("change-password", here, { ...change, currentPassword: "a wrong one" })).status).toBe(400);
    expect((await ask("change-password", here, { ...change, newPassword: "short" })).status).toBe(400);
    expect((await ask("change-password", "a=b", change)).status).toBe(401);
    expect(await entries()).toEqual([]);
    const changed = await ask("change-password", here, change);
    expect(changed.status).toBe(200);
    expect(await entries()).toEqual([
      { action: "person.password", actor: "ana@example.com", detail: { others: "signed out" } },
    ]);
    expect(JSON.stringify(await database.db.audit.findMany({ select: { detail: true } }))).not.toMatch(/horse|staple/);
    expect(await behind(there)).toBeNull();
    expect((await behind(cookieOf(changed.headers)))?.actor.name).toBe("ana@example.com");
    expect((await handleAuth(signInRequest(ana.email, ana.password), database)).status).toBe(401);
    expect((await handleAuth(signInRequest(ana.email, "battery staple"), database)).status).toBe(200);
  });

  it("may keep the other devices, says how many there are, and signs out there", async () => {
    const [here, there] = await twice();
    const change = { currentPassword: ana.password, newPassword: "battery staple" };
    expect((await ask("change-password", here, change)).status).toBe(200);
    const me = await behind(there);
    if (!me) throw new Error("expected the other device to be signed in still");
    expect(await callerFor(me).session.account()).toEqual({ name: "Ana", email: "ana@example.com", otherDevices: 1 });
    expect((await ask("revoke-other-sessions", here, {})).status).toBe(200);
    expect(await behind(there)).toBeNull();
    expect(await behind(here)).not.toBeNull();
    expect((await callerFor(me).session.account()).otherDevices).toBe(0);
    expect(await entries()).toEqual([
      { action: "person.password", actor: "ana@example.com", detail: {} },
      { action: "person.sessions", actor: "ana@example.com", detail: {} },
    ]);
  });

  it.each(["viewer", "owner"] as const)("is renamed by a %s too", async (role) => {
    const me = await testContext(database, role);
    await callerFor(me).session.renameMyself({ name: " Ana Novak " });
    expect(await callerFor(me).session.me()).toMatchObject({ user: { name: "Ana Novak" } });
    expect(await entries()).toEqual([
      { action: "person.rename", actor: me.actor.name, detail: { before: `The ${role}`, after: "Ana Novak" } },
    ]);
    await expect(callerFor(me).session.renameMyself({ name: " " })).rejects.toThrow(/enter a name/);
  });
});

describe("changes over tRPC", () => {
  const rename = (headers: { [name: string]: string }) =>
    handleTrpc(
      new Request("http://localhost/api/trpc/settings.renameWorkspace", {
        method: "POST",
        headers: { host: "127.0.0.1:3000", "content-type": "application/json", ...headers },
        body: JSON.stringify({ name: "Renamed" }),
      }),
      database,
    );

  it("are taken from our own pages only", async () => {
    const { caller, responseHeaders } = visitor();
    await caller.session.createFirstAccount(ana);
    const cookie = cookieOf(responseHeaders);
    expect((await rename({ cookie, origin: "https://evil.example" })).status).toBe(403);
    expect((await rename({ cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect(await database.db.workspace.findFirst()).toMatchObject({ name: "My company" });
    expect((await rename({ cookie, origin: "http://127.0.0.1:3000" })).status).toBe(200);
    expect(await database.db.workspace.findFirst()).toMatchObject({ name: "Renamed" });
    const nobody = await rename({ origin: "http://127.0.0.1:3000" });
    expect(nobody.status).toBe(401);
    expect(await nobody.json()).toMatchObject({ error: { data: { reason: "unauthorized" } } });
  });
});

describe("people", () => {
  it("join by an invitation that works once, with the role it names", async () => {
    const admin = await testContext(database, "admin");
    const { path, id } = await callerFor(admin).settings.invite({ email: "Cleo@Example.com", role: "builder" });
    const token = path.replace("/invite/", "");
    expect(await callerFor(admin).settings.people()).toMatchObject({
      invitations: [{ id, email: "cleo@example.com", role: "builder" }],
    });
    expect(await visitor().caller.session.invitation({ token })).toMatchObject({
      email: "cleo@example.com",
      role: "builder",
      workspace: "Test company",
    });
    const { caller, responseHeaders } = visitor();
    await caller.session.acceptInvitation({ token, name: "Cleo", password: "correct horse" });
    const cleo = await personBehind(database, new Headers({ cookie: cookieOf(responseHeaders) }));
    expect(cleo).toMatchObject({ workspaceId: admin.workspaceId, actor: { role: "builder" } });
    await expect(
      visitor().caller.session.acceptInvitation({ token, name: "Again", password: "correct horse" }),
    ).rejects.toMatchObject({ cause: { code: "invitation-not-valid" } });
  });

  it("cannot be invited, promoted or changed above one's own role", async () => {
    const owner = await testContext(database, "owner");
    const admin = { ...owner, actor: { ...owner.actor, id: "usr_admin", role: "admin" as const } };
    const settings = callerFor(admin).settings;
    const forbidden = { code: "FORBIDDEN" };
    await expect(settings.invite({ email: "x@example.com", role: "owner" })).rejects.toMatchObject(forbidden);
    await expect(settings.changeRole({ userId: owner.actor.id, role: "viewer" })).rejects.toMatchObject(forbidden);
    await expect(settings.removePerson({ userId: owner.actor.id })).rejects.toMatchObject(forbidden);
    await expect(settings.createToken({ name: "x", role: "owner" })).rejects.toMatchObject(forbidden);
  });

  it("always include an owner", async () => {
    const owner = await testContext(database, "owner");
    const settings = callerFor(owner).settings;
    const last = { cause: { code: "last-owner" } };
    await expect(settings.changeRole({ userId: owner.actor.id, role: "admin" })).rejects.toMatchObject(last);
    await expect(settings.removePerson({ userId: owner.actor.id })).rejects.toMatchObject(last);
  });

  it("lose their sessions and their account with their last workspace", async () => {
    const owner = await testContext(database, "owner");
    const { path } = await callerFor(owner).settings.invite({ email: "dan@example.com", role: "admin" });
    const { caller, responseHeaders } = visitor();
    await caller.session.acceptInvitation({ token: path.slice(8), name: "Dan", password: "correct horse" });
    const headers = new Headers({ cookie: cookieOf(responseHeaders) });
    const dan = await personBehind(database, headers);
    await callerFor(owner).settings.removePerson({ userId: dan?.actor.id ?? "" });
    expect(await personBehind(database, headers)).toBeNull();
    expect(await database.db.user.count({ where: { email: "dan@example.com" } })).toBe(0);
    const audit = await callerFor(owner).settings.audit({ limit: 2 });
    expect(audit.items.map(({ action }) => action)).toEqual(["person.remove", "person.join"]);
    expect(audit.next).not.toBeNull();
  });

  it.each(["viewer", "builder", "operator"] as const)("are not for a %s to see", async (role) => {
    const settings = callerFor(await testContext(database, role)).settings;
    await expect(settings.people()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(settings.tokens()).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(settings.audit({})).rejects.toMatchObject({ code: "FORBIDDEN" });
  });
});
