/**
 * A real HTTP server on loopback that behaves as REST systems do: collections, every kind of paging and sign-in,
 * idempotency keys, rate limits, and faults thrown by a seeded die, so that a run can be repeated exactly.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Json, JsonRecord } from "../sdk/types.ts";
import { type FakeAuth, fakeAuth } from "./fake-rest-auth.ts";
import { type ListStyle, listAnswer } from "./fake-rest-lists.ts";

export type FakeFaults = {
  /** share of requests answered 503, before they take effect */
  unavailable: number;
  /** share of requests whose connection is cut before they take effect */
  dropBefore: number;
  /** share of requests whose connection is cut after they took effect */
  dropAfter: number;
  /** share of answers that are broken JSON */
  malformed: number;
  /** share of answers that come only after `slowMs` */
  slow: number;
  slowMs: number;
  /** so long it works on what changes something before it takes effect, also when nobody waits for the answer any more */
  workMs: number;
  /** seconds in the Retry-After of a 503; null: none is sent */
  retryAfterS: number | null;
};

export type FakeCollection = {
  records: Map<string, JsonRecord>;
  key: string;
  style: ListStyle;
  /** the server never gives more per page, whatever is asked */
  maxPageSize: number;
  /** a create gets the next number as its id */
  assignIds: boolean;
  required: string[];
  maxLength: { [field: string]: number };
  /** answers wrap a record: { customer: {…} } */
  wrap?: string;
  nextId: number;
};

export type FakeRestOptions = {
  port?: number;
  seed?: number;
  auth?: FakeAuth;
  collections?: { [name: string]: Partial<Omit<FakeCollection, "records">> & { records?: JsonRecord[] } };
  /** collections not named above are made when first asked for, with these settings */
  others?: Partial<Omit<FakeCollection, "records">>;
  /** header under which a repeat acts once; "Idempotency-Key" when absent, null: none */
  idempotencyHeader?: string | null;
  rateLimit?: { perSecond: number; burst: number };
  faults?: Partial<FakeFaults>;
  /** path → address it sends on to */
  redirects?: { [path: string]: string };
  /** what it says instead, before a request takes effect; `html` is a page of HTML with status 200. undefined: as usual */
  answers?: (method: string, path: string, body: Json) => { status: number; body?: Json } | "html" | undefined;
};

export type LoggedRequest = {
  method: string;
  path: string;
  query: { [name: string]: string };
  headers: IncomingMessage["headers"];
  body: Json;
  status: number;
  at: number;
};

export type FakeRest = {
  url: string;
  collections: Map<string, FakeCollection>;
  /** the collection with this name; made when it is not there */
  collection(name: string): FakeCollection;
  log: LoggedRequest[];
  /** may be changed at any time */
  faults: FakeFaults;
  /** likewise */
  answers: FakeRestOptions["answers"];
  /** creates, updates and deletes that took effect */
  effects(): number;
  close(): Promise<void>;
};

type Answer = { status: number; body?: Json; headers?: Record<string, string> };

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export async function startFakeRest(options: FakeRestOptions = {}): Promise<FakeRest> {
  const random = seededRandom(options.seed ?? 1);
  const auth = fakeAuth(options.auth ?? { kind: "none" });
  const idempotencyHeader = options.idempotencyHeader === undefined ? "Idempotency-Key" : options.idempotencyHeader;
  const remembered = new Map<string, { print: string; answer: Answer }>();
  const collections = new Map<string, FakeCollection>();
  const log: LoggedRequest[] = [];
  const faults: FakeFaults = {
    unavailable: 0,
    dropBefore: 0,
    dropAfter: 0,
    malformed: 0,
    slow: 0,
    slowMs: 200,
    workMs: 0,
    retryAfterS: null,
    ...options.faults,
  };
  let effects = 0;
  let bucket = { tokens: options.rateLimit?.burst ?? 0, at: Date.now() };

  function collection(name: string): FakeCollection {
    const found = collections.get(name);
    if (found) return found;
    const { records = [], ...rest } = options.collections?.[name] ?? { ...options.others };
    const made: FakeCollection = {
      key: "id",
      style: "none",
      maxPageSize: 100,
      assignIds: false,
      required: [],
      maxLength: {},
      nextId: 1,
      ...rest,
      records: new Map(),
    };
    for (const record of records as JsonRecord[]) made.records.set(String(record[made.key]), record);
    made.nextId = made.records.size + 1;
    collections.set(name, made);
    return made;
  }
  for (const name of Object.keys(options.collections ?? {})) collection(name);

  function limited(): Answer | undefined {
    const { rateLimit } = options;
    if (!rateLimit) return undefined;
    const now = Date.now();
    bucket = {
      tokens: Math.min(rateLimit.burst, bucket.tokens + ((now - bucket.at) / 1000) * rateLimit.perSecond),
      at: now,
    };
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return undefined;
    }
    const seconds = (1 - bucket.tokens) / rateLimit.perSecond;
    return {
      status: 429,
      body: { error: { message: "Too many requests" } },
      headers: { "retry-after": String(Math.ceil(seconds)) },
    };
  }

  function handle(method: string, url: URL, headers: IncomingMessage["headers"], body: Json): Answer {
    const redirect = options.redirects?.[url.pathname];
    if (redirect) return { status: 302, headers: { location: redirect } };
    const [name, id, ...more] = url.pathname.split("/").slice(1).map(decodeURIComponent);
    if (!name || more.length > 0 || (!collections.has(name) && !options.others))
      return { status: 404, body: { error: `No such path: ${url.pathname}` } };
    const place = collection(name);
    if (id === undefined && method === "GET") return listAnswer(place, url);
    if (id === undefined && method === "POST") return repeatable(url, headers, body, () => create(place, body));
    if (id === undefined) return { status: 405, body: { message: `${method} is not for collections` } };
    const record = place.records.get(id);
    if (!record) return { status: 404, body: { message: `${name} ${id} not found` } };
    const shown = (one: JsonRecord): Json => (place.wrap ? { [place.wrap]: one } : one);
    if (method === "GET") return { status: 200, body: shown(record) };
    if (method === "DELETE") {
      place.records.delete(id);
      effects++;
      return { status: 204 };
    }
    if (method !== "PUT" && method !== "PATCH")
      return { status: 405, body: { message: `${method} is not for records` } };
    const values = unwrapped(place, body);
    const next = method === "PUT" ? { [place.key]: record[place.key] ?? id, ...values } : { ...record, ...values };
    const refusal = refused(place, next);
    if (refusal) return refusal;
    place.records.set(id, next);
    effects++;
    return { status: 200, body: shown(next) };
  }

  function repeatable(url: URL, headers: IncomingMessage["headers"], body: Json, act: () => Answer): Answer {
    const key = idempotencyHeader === null ? undefined : headers[idempotencyHeader.toLowerCase()];
    if (typeof key !== "string") return act();
    const print = JSON.stringify([url.pathname, body]);
    const earlier = remembered.get(key);
    if (earlier && earlier.print !== print)
      return { status: 422, body: { message: "This idempotency key was used for another request" } };
    if (earlier) return { ...earlier.answer, headers: { "idempotent-replayed": "true" } };
    const answer = act();
    remembered.set(key, { print, answer });
    return answer;
  }

  function create(place: FakeCollection, body: Json): Answer {
    const values = unwrapped(place, body);
    const record = place.assignIds ? { ...values, [place.key]: place.nextId } : values;
    const refusal = refused(place, record);
    if (refusal) return refusal;
    const id = String(record[place.key]);
    if (place.records.has(id)) return { status: 409, body: { message: `${place.key} ${id} already exists` } };
    place.nextId++;
    place.records.set(id, record);
    effects++;
    return { status: 201, body: place.wrap ? { [place.wrap]: record } : record };
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const { body, broken } = await readBody(request);
    const entry: LoggedRequest = {
      method: request.method ?? "",
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body,
      status: 0,
      at: Date.now(),
    };
    log.push(entry);
    const finish = ({ status, body, headers }: Answer, broken = false) => {
      entry.status = status;
      const text = body === undefined ? "" : JSON.stringify(body);
      response.writeHead(status, {
        ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
        ...headers,
      });
      response.end(broken ? text.slice(0, Math.max(1, Math.floor(text.length / 2))) : text);
    };
    if (url.pathname === "/oauth/token") return finish(auth.token(request.headers, body));
    const stop = auth.refuse(request.headers, url) ?? limited();
    if (stop) return finish(stop);
    // One throw per fault and request, in a fixed order, keeps runs with the same seed alike.
    const thrown = {
      before: random() < faults.dropBefore,
      unavailable: random() < faults.unavailable,
      after: random() < faults.dropAfter,
      malformed: random() < faults.malformed,
      slow: random() < faults.slow,
    };
    if (thrown.before) return cut(request, entry);
    if (thrown.unavailable)
      return finish({
        status: 503,
        body: { message: "Down for a moment" },
        headers: faults.retryAfterS === null ? {} : { "retry-after": String(faults.retryAfterS) },
      });
    const instead = fake.answers?.(entry.method, url.pathname, body);
    if (instead === "html") {
      entry.status = 200;
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      return response.end("<!doctype html><title>Sign in</title>");
    }
    if (instead) return finish(instead);
    if (faults.workMs > 0 && request.method !== "GET") await new Promise((done) => setTimeout(done, faults.workMs));
    const answer = broken
      ? { status: 400, body: { message: "The body is not JSON" } }
      : handle(request.method ?? "GET", url, request.headers, body);
    if (thrown.after) return cut(request, entry);
    if (thrown.slow) await new Promise((done) => setTimeout(done, faults.slowMs));
    finish(request.method === "HEAD" ? { ...answer, body: undefined } : answer, thrown.malformed);
  });

  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done, fail) => server.once("error", fail).listen(options.port ?? 0, "127.0.0.1", done));
  const fake: FakeRest = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    collections,
    collection,
    log,
    faults,
    answers: options.answers,
    effects: () => effects,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return fake;
}

function cut(request: IncomingMessage, entry: LoggedRequest): void {
  entry.status = 0;
  request.socket.destroy();
}

function unwrapped({ wrap }: FakeCollection, body: Json): JsonRecord {
  const inner = wrap && body !== null && typeof body === "object" && !Array.isArray(body) ? body[wrap] : body;
  return inner !== null && typeof inner === "object" && !Array.isArray(inner) ? inner : {};
}

function refused({ required, maxLength }: FakeCollection, record: JsonRecord): Answer | undefined {
  for (const field of required)
    if (record[field] === undefined || record[field] === null || record[field] === "")
      return { status: 422, body: { errors: [{ field, message: "must not be empty" }] } };
  for (const [field, longest] of Object.entries(maxLength)) {
    const value = record[field];
    if (typeof value === "string" && value.length > longest)
      return { status: 422, body: { errors: [{ field, message: `is longer than ${longest} characters` }] } };
  }
  return undefined;
}

async function readBody(request: IncomingMessage): Promise<{ body: Json; broken: boolean }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return { body: null, broken: false };
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded"))
    return { body: Object.fromEntries(new URLSearchParams(text)), broken: false };
  try {
    return { body: JSON.parse(text) as Json, broken: false };
  } catch {
    return { body: text, broken: true };
  }
}
