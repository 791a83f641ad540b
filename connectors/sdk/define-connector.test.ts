import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type FakeRest, startFakeRest } from "../testing/fake-rest.ts";
import { calm, errorOf, idsOf, readPages, recordingHooks, toUndo, toWrite } from "../testing/sessions.ts";
import { defineConnector, defineSink, defineStream } from "./define-connector.ts";
import type { ConnectorSession, Json, JsonRecord } from "./types.ts";

const contact = z.object({ id: z.string(), email: z.string().max(40).nullable(), changed_at: z.iso.datetime() });
const contactPage = z.object({
  data: z.object({ records: z.array(contact) }),
  meta: z.object({ next: z.string().nullable() }),
});

/** A connector as an author would write one: its API described, nothing else. */
const orchard = defineConnector({
  id: "orchard-crm",
  title: "Orchard CRM",
  summary: "Contacts of a CRM that exists in this test only.",
  mark: { letters: "O", tint: "green" },
  settings: z.object({ baseUrl: z.url() }),
  credentials: z.object({ token: z.string().meta({ secret: true }) }),
  http: ({ settings, credentials }) => ({
    baseUrl: settings.baseUrl,
    auth: { kind: "bearer", token: credentials.token },
  }),
  check: ({ http, signal }) => http.get("/contacts", { signal }),
  streams: {
    contacts: defineStream({
      title: "Contacts",
      record: contact,
      key: ["id"],
      changedAt: "changed_at",
      async *read({ http, cursor, pageSize, after, signal }) {
        for (let from: Json = cursor; ; ) {
          const page: z.infer<typeof contactPage> = await http.get("/contacts", {
            query: { cursor: from, limit: pageSize, updated_since: after },
            schema: contactPage,
            signal,
          });
          yield { records: page.data.records, cursor: page.meta.next };
          if (page.meta.next === null) return;
          from = page.meta.next;
        }
      },
    }),
  },
  sinks: {
    contacts: defineSink({
      title: "Contacts",
      record: contact.omit({ changed_at: true }),
      key: ["id"],
      operations: ["upsert"],
      async create({ http, record, idempotencyKey, signal }) {
        const saved = await http.post("/contacts", {
          body: record,
          headers: { "idempotency-key": idempotencyKey },
          about: "record",
          signal,
        });
        return { record: saved as JsonRecord, remoteId: String(record.id) };
      },
      async update({ http, identity, changed, signal }) {
        return {
          record: (await http.patch(`/contacts/${identity.id}`, {
            body: changed,
            about: "record",
            signal,
          })) as JsonRecord,
        };
      },
      async remove({ http, identity, signal }) {
        await http.delete(`/contacts/${identity.id}`, { about: "record", signal });
      },
      async readBack({ http, identity, signal }) {
        const { status, body } = await http.request("GET", `/contacts/${identity.id}`, {
          about: "record",
          ok: [404],
          signal,
        });
        return status === 404 ? null : { record: body as JsonRecord };
      },
    }),
  },
});

describe("a described connector", () => {
  const records = Array.from({ length: 25 }, (_, index) => ({
    id: `c${index}`,
    email: index % 5 ? `c${index}@x.test` : null,
    changed_at: `2026-01-01T00:00:${String(index).padStart(2, "0")}Z`,
  }));
  let fake: FakeRest;
  let session: ConnectorSession;
  beforeAll(async () => {
    fake = await startFakeRest({
      auth: { kind: "bearer", token: "geheim" },
      collections: { contacts: { style: "cursor", records } },
    });
    session = await orchard.open({
      name: "Orchard",
      settings: { baseUrl: fake.url },
      credentials: { token: "geheim" },
      allowPrivateNetwork: true,
    });
  });
  afterAll(async () => {
    await session.close();
    await fake.close();
  });

  it("shows its fields from its schemas", async () => {
    const [stream] = await session.streams(calm());
    expect(stream).toMatchObject({ name: "contacts", key: ["id"], watermarks: ["changed_at"] });
    expect(stream!.fields).toMatchObject([
      { name: "id", type: "text", key: true, required: true },
      { name: "email", nullable: true, maxLength: 40 },
      { name: "changed_at", type: "datetime" },
    ]);
    expect(await session.sinks(calm())).toMatchObject([
      { name: "contacts", open: false, undo: "full", readBack: true, effect: "once", operations: ["upsert"] },
    ]);
  });

  it("reads, resumes, and reads only what changed", async () => {
    const pages = await readPages(session, { stream: "contacts", pageSize: 10 });
    expect(idsOf(pages)).toEqual(records.map((one) => one.id));
    expect(idsOf(await readPages(session, { stream: "contacts", cursor: pages[0]!.cursor }))).toEqual(
      records.slice(10).map((one) => one.id),
    );
    const watermark = { field: "changed_at", after: records[19]!.changed_at };
    const changed = await readPages(session, { stream: "contacts", watermark });
    expect(idsOf(changed)).toEqual(records.slice(20).map((one) => one.id));
    expect(changed.at(-1)!.watermark).toBe(records[24]!.changed_at);
    expect(idsOf(await readPages(session, { stream: "contacts", limit: 3 }))).toHaveLength(3);
  });

  it("writes, compares, refuses by its schema, and undoes", async () => {
    const before = structuredClone([...fake.collection("contacts").records.values()]);
    const page = toWrite([
      { id: "c1", email: "new@x.test" },
      { id: "c2", email: "c2@x.test" },
      { id: "c90", email: "x".repeat(50) },
      { id: "c91", email: null },
    ]);
    const { hooks, entries } = recordingHooks();
    const got = await session.write(
      { sink: "contacts", operation: "upsert", match: ["id"], records: page, signal: calm() },
      hooks,
    );
    expect(got).toMatchObject([
      { outcome: "updated" },
      { outcome: "unchanged" },
      { outcome: "failed", failure: { code: "value-too-long", field: "email" } },
      { outcome: "created", remoteId: "c91" },
    ]);
    const back = await session.undo(
      { sink: "contacts", records: toUndo(page, entries), force: false, preview: false, signal: calm() },
      hooks,
    );
    expect(back.map((one) => one.outcome)).toEqual(["restored", "restored"]);
    expect([...fake.collection("contacts").records.values()]).toEqual(before);
  });

  it("names a stream and a sink that are not there", async () => {
    expect(await errorOf(readPages(session, { stream: "deals" }))).toMatchObject({
      kind: "settings",
      code: "stream-unknown",
    });
    const request = { sink: "deals", operation: "upsert" as const, match: ["id"], records: [], signal: calm() };
    expect((await errorOf(session.write(request, recordingHooks().hooks))).message).toContain('"deals"');
  });
});
