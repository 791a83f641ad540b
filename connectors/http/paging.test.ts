import { afterEach, describe, expect, it } from "vitest";
import { numberFromText } from "../sdk/json.ts";
import type { ConnectorSession, JsonRecord } from "../sdk/types.ts";
import { type FakeRest, type FakeRestOptions, startFakeRest } from "../testing/fake-rest.ts";
import type { ListStyle } from "../testing/fake-rest-lists.ts";
import { errorOf, idsOf, readPages } from "../testing/sessions.ts";
import { httpConnector } from "./connector.ts";

const people = (count: number): JsonRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `p${String(index).padStart(3, "0")}`,
    name: `Person ${index}`,
    changed_at: `2026-01-01T00:00:${String((index * 37) % 60).padStart(2, "0")}Z`,
  }));

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function reading(
  stream: JsonRecord,
  collection: NonNullable<FakeRestOptions["collections"]>[string],
  options: FakeRestOptions = {},
): Promise<{ session: ConnectorSession; fake: FakeRest }> {
  const fake = await startFakeRest({ ...options, collections: { people: collection } });
  const session = await httpConnector.open({
    name: "Shop",
    settings: httpConnector.settings.parse({
      baseUrl: fake.url,
      streams: [{ name: "people", path: "/people", key: ["id"], ...stream }],
    }),
    credentials: {},
    allowPrivateNetwork: true,
  });
  open.push(
    () => session.close(),
    () => fake.close(),
  );
  return { session, fake };
}

const pagings: { style: ListStyle; stream: JsonRecord }[] = [
  { style: "none", stream: {} },
  { style: "page", stream: { paging: { kind: "page", sizeParam: "limit", size: 7 } } },
  { style: "offset", stream: { items: "items", paging: { kind: "offset", size: 7 } } },
  {
    style: "cursor",
    stream: { items: "data.records", paging: { kind: "cursor", next: "meta.next", sizeParam: "limit", size: 7 } },
  },
  {
    style: "after-id",
    stream: {
      paging: {
        kind: "cursor",
        param: "starting_after",
        next: "data.-1.id",
        more: "has_more",
        sizeParam: "limit",
        size: 7,
      },
    },
  },
  { style: "link", stream: { paging: { kind: "link", sizeParam: "limit", size: 7 } } },
  { style: "link", stream: { query: { limit: 7 } } },
  { style: "nextUrl", stream: { paging: { kind: "nextUrl", sizeParam: "limit", size: 7 } } },
];

describe("paging", () => {
  it.each(pagings)("reads everything once by $style ($stream)", async ({ style, stream }) => {
    const records = people(45);
    const { session } = await reading(stream, { style, records });
    const pages = await readPages(session, { stream: "people", pageSize: 10 });
    expect(pages.flatMap((page) => page.records)).toEqual(records);
    for (const [index, page] of pages.entries()) {
      const rest = await readPages(session, {
        stream: "people",
        pageSize: 4,
        cursor: JSON.parse(JSON.stringify(page.cursor)),
      });
      expect([...idsOf(pages.slice(0, index + 1)), ...idsOf(rest)]).toEqual(records.map((one) => one.id));
    }
  });

  it("is not misled by a server that gives fewer per page than asked for", async () => {
    for (const [style, stream] of [
      ["page", {}],
      ["offset", { items: "items" }],
    ] as const) {
      const { session } = await reading(
        { ...stream, paging: { kind: style, sizeParam: "limit", size: 100 } },
        { style, records: people(45), maxPageSize: 10 },
      );
      expect(idsOf(await readPages(session, { stream: "people" }))).toHaveLength(45);
    }
  });

  const failing: [string, JsonRecord, ListStyle, string, RegExp][] = [
    [
      "a wrong items path, with what is there instead",
      { items: "data.rows" },
      "page",
      "items-not-found",
      /"data\.rows".*"data", "page", "total"/,
    ],
    ["a list cut after its first page", { paging: { kind: "none" } }, "page", "paging-needed", /10 records.*45 in all/],
    ["a cut list when no paging is set", {}, "nextUrl", "paging-needed", /paging/],
    [
      "a page parameter the server ignores",
      { paging: { kind: "page", param: "p" } },
      "page",
      "page-repeats",
      /ignore.*"p"/,
    ],
    [
      "a cursor parameter the server ignores",
      { items: "data.records", paging: { kind: "cursor", param: "from", next: "meta.next" } },
      "cursor",
      "page-repeats",
      /ignore|again/,
    ],
    [
      "a wrong path for the next cursor",
      { items: "data.records", paging: { kind: "cursor", next: "next" } },
      "cursor",
      "next-missing",
      /"next".*"data", "meta"/,
    ],
  ];
  it.each(failing)("names %s", async (_, stream, style, code, message) => {
    const { session } = await reading(stream, { style, records: people(45), maxPageSize: 10 });
    const error = await errorOf(readPages(session, { stream: "people" }));
    expect(error).toMatchObject({ kind: "settings", code });
    expect(error.message).toMatch(message);
  });

  it("notices a list that shrinks while it is read", async () => {
    const { session, fake } = await reading(
      { paging: { kind: "page", sizeParam: "limit", size: 10 } },
      { style: "page", records: people(45) },
    );
    const [first] = await readPages(session, { stream: "people", pageSize: 10 }, 1);
    fake.collection("people").records.delete("p003");
    const error = await errorOf(readPages(session, { stream: "people", cursor: first!.cursor }));
    expect(error).toMatchObject({ code: "list-shrank" });
    expect(error.message).toContain("from 45 to 44");
  });

  it("hands on what is not a record as unreadable, and goes on", async () => {
    const { session } = await reading({}, { style: "none", records: people(3) });
    const odd = await reading(
      { items: "data.0.list" },
      { style: "page", records: [{ id: "x", list: [{ id: "1" }, 5, { id: "2" }] }] },
    );
    expect(idsOf(await readPages(session, { stream: "people" }))).toHaveLength(3);
    const [page] = await readPages(odd.session, { stream: "people" });
    expect(page!.records).toEqual([{ id: "1" }, { id: "2" }]);
    expect(page!.unreadable).toMatchObject([
      { key: "record 2", data: { value: 5 }, failure: { code: "item-not-a-record" } },
    ]);
  });

  it("keeps all digits of large numbers", async () => {
    const { session, fake } = await reading({}, { style: "none" });
    fake.collection("people").records.set("1", {
      id: "1",
      big: numberFromText("12345678901234567890"),
      price: numberFromText("0.1"),
    } as unknown as JsonRecord);
    expect((await readPages(session, { stream: "people" }))[0]!.records).toEqual([
      { id: "1", big: "12345678901234567890", price: 0.1 },
    ]);
  });
});

describe("incremental reading", () => {
  const watermark = { field: "changed_at", after: "2026-01-01T00:00:30Z" };
  it("filters by the watermark, and moves it only at the end when the order is unknown", async () => {
    const records = people(45);
    const { session, fake } = await reading(
      {
        changedAt: "changed_at",
        since: { param: "updated_since" },
        items: "items",
        paging: { kind: "offset", size: 7 },
      },
      { style: "offset", records },
    );
    const pages = await readPages(session, { stream: "people", pageSize: 5, watermark });
    const want = records.filter((one) => String(one.changed_at) > watermark.after).map((one) => one.id);
    expect(idsOf(pages)).toEqual(want);
    expect(pages.slice(0, -1).every((page) => page.watermark === undefined)).toBe(true);
    expect(pages.at(-1)!.watermark).toMatchObject({ at: "2026-01-01T00:00:58Z" });
    expect(fake.log.every((one) => one.query.updated_since === watermark.after)).toBe(true);
    // a resumed run still knows the newest of the pages before
    const rest = await readPages(session, { stream: "people", pageSize: 50, watermark, cursor: pages[2]!.cursor });
    expect(rest.at(-1)!.watermark).toMatchObject({ at: "2026-01-01T00:00:58Z" });
  });

  it("refuses a stream that is said to be sorted and is not", async () => {
    const { session } = await reading(
      { changedAt: "changed_at", sorted: true },
      { style: "none", records: people(45) },
    );
    expect(
      await errorOf(readPages(session, { stream: "people", watermark: { ...watermark, after: null } })),
    ).toMatchObject({ code: "not-sorted" });
  });

  it("makes a record without a time of change unreadable", async () => {
    const { session } = await reading(
      { changedAt: "changed_at" },
      { style: "none", records: [{ id: "a" }, ...people(1)] },
    );
    const [page] = await readPages(session, { stream: "people", watermark: { ...watermark, after: null } });
    expect(page!.unreadable).toMatchObject([{ failure: { code: "watermark-missing" } }]);
    expect(idsOf([page!])).toEqual(["p000"]);
  });
});

describe("learning fields", () => {
  it("learns nested fields from the first page, and says which stream could not be asked", async () => {
    const fake = await startFakeRest({
      collections: {
        orders: {
          records: [
            { id: 1, total: 9.5, customer: { email: "a@x.test" }, lines: [{ qty: 1 }], at: "2026-01-01T10:00:00Z" },
          ],
        },
      },
    });
    const settings = httpConnector.settings.parse({
      baseUrl: fake.url,
      streams: [
        { name: "orders", path: "/orders", key: ["id"] },
        { name: "gone", path: "/gone" },
      ],
    });
    const session = await httpConnector.open({ name: "Shop", settings, credentials: {}, allowPrivateNetwork: true });
    open.push(
      () => session.close(),
      () => fake.close(),
    );
    const [orders, gone] = await session.streams(new AbortController().signal);
    expect(orders!.fields.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "id:integer",
      "total:decimal",
      "customer:record",
      "lines:list",
      "at:datetime",
    ]);
    expect(orders!.fields[3]!.fields).toMatchObject([{ name: "qty", type: "integer" }]);
    expect(gone).toMatchObject({ fields: [], problem: { kind: "settings", code: "path-not-found" } });
  });
});
