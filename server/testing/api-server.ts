import type { AddressInfo } from "node:net";
import { createApiServer } from "../http-server.ts";
import { createToken } from "../tokens/tokens.ts";
import type { Role } from "../trpc/contract/people.ts";
import { testContext } from "./context.ts";
import type { TestDatabase } from "./database.ts";

export type Answer = { status: number; headers: Headers; body: unknown };
export type Ask = {
  token?: string | null;
  body?: unknown;
  raw?: string | Uint8Array;
  headers?: { [name: string]: string };
};

/** The real HTTP interface on a free port, with a workspace and one token per role. Responses are held to their schemas. */
export async function startApi(database: TestDatabase) {
  const { server, stop } = createApiServer(database, { checkResponses: true });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const owner = await testContext(database, "owner");
  const tokenFor = async (role: Role) => (await createToken(owner, { name: `A ${role}`, role })).token;
  const tokens: Record<Role, string> = {
    viewer: await tokenFor("viewer"),
    builder: await tokenFor("builder"),
    operator: await tokenFor("operator"),
    admin: await tokenFor("admin"),
    owner: await tokenFor("owner"),
  };

  /** Sends a request below /api/v1, as the owner unless another token (null: none) is named. */
  async function ask(
    method: string,
    path: string,
    { token = tokens.owner, body, raw, headers }: Ask = {},
  ): Promise<Answer> {
    const init: RequestInit = {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    };
    if (raw !== undefined) init.body = raw as BodyInit;
    else if (body !== undefined) init.body = JSON.stringify(body);
    const response = await fetch(`${url}/api/v1${path}`, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  }
  return { url, owner, tokens, ask, stop: () => stop(1_000) };
}

export type TestApi = Awaited<ReturnType<typeof startApi>>;
