/** The contract of reading: everything once, from any cursor on, as the fields say. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectorSession, Json } from "../sdk/types.ts";
import type { ContractContext } from "./contract.ts";
import { checkFits } from "./fits.ts";
import { type ContractPlace, contractRecords } from "./fixture.ts";
import { calm, errorOf, idsOf, openSession, readPages } from "./sessions.ts";

export function describeReading<S, C>({ connector, can, system }: ContractContext<S, C>): void {
  describe("reading", () => {
    const records = contractRecords(45);
    const ids = records.map((record) => record.id);
    let session: ConnectorSession;
    let place: ContractPlace;
    beforeAll(async () => {
      place = await system().place(records);
      session = await openSession(connector, system());
    });
    afterAll(() => session?.close());

    it("lists the stream with its fields", async () => {
      const stream = (await session.streams(calm())).find((one) => one.name === place.stream);
      expect(stream?.fields.map((field) => field.name)).toEqual(expect.arrayContaining(Object.keys(records[0]!)));
      for (const name of stream?.key ?? []) expect(stream?.fields.map((field) => field.name)).toContain(name);
      if (can.watermark) expect(stream?.watermarks).toContain(can.watermark);
    });

    it("reads everything once, values as they are", async () => {
      const pages = await readPages(session, { stream: place.stream });
      const read = pages.flatMap((page) => page.records).map(({ id, name, city }) => ({ id, name, city }));
      const want = records.map(({ id, name, city }) => ({ id, name, city }));
      expect(read.toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1))).toEqual(want);
    });

    it("gives records that fit the stream's fields", async () => {
      const stream = (await session.streams(calm())).find((one) => one.name === place.stream)!;
      for (const page of await readPages(session, { stream: place.stream }))
        for (const record of page.records) checkFits(record, stream.fields);
    });

    it("keeps to the page size", async () => {
      for (const page of await readPages(session, { stream: place.stream, pageSize: 10 }))
        expect(page.records.length).toBeLessThanOrEqual(10);
    });

    it("resumes from every cursor without losing or doubling a record", async () => {
      const pages = await readPages(session, { stream: place.stream, pageSize: 4 });
      expect(pages.length).toBeGreaterThan(1);
      for (const [index, page] of pages.entries()) {
        const cursor = JSON.parse(JSON.stringify(page.cursor)); // it is stored as JSON in between
        const rest = await readPages(session, { stream: place.stream, pageSize: 11, cursor });
        expect([...idsOf(pages.slice(0, index + 1)), ...idsOf(rest)].toSorted()).toEqual(ids);
      }
    });

    it("resumes in another session", async () => {
      const [first] = await readPages(session, { stream: place.stream }, 1);
      const other = await openSession(connector, system());
      try {
        const rest = await readPages(other, { stream: place.stream, cursor: first!.cursor });
        expect([...idsOf([first!]), ...idsOf(rest)].toSorted()).toEqual(ids);
      } finally {
        await other.close();
      }
    });

    it("stops at the limit", async () => {
      for (const limit of [1, 7, 10]) {
        const read = idsOf(await readPages(session, { stream: place.stream, limit }));
        expect(read).toHaveLength(limit);
        expect(new Set(read).size).toBe(limit);
      }
    });

    it("stops when asked to, and the session stays usable", async () => {
      const control = new AbortController();
      const pages: string[][] = [];
      const reading = (async () => {
        for await (const page of session.read({
          stream: place.stream,
          cursor: null,
          pageSize: 3,
          signal: control.signal,
        })) {
          pages.push(idsOf([page]));
          control.abort(new Error("enough"));
        }
      })();
      const error = await errorOf(reading);
      expect(error.message).toMatch(/enough|abort|stopp/i);
      expect(pages).toHaveLength(1);
      expect(idsOf(await readPages(session, { stream: place.stream }))).toHaveLength(ids.length);
    });

    it("names a stream that is not there", async () => {
      const error = await errorOf(readPages(session, { stream: "no_such_thing_here" }));
      expect(error).toMatchObject({ kind: "settings" });
      expect(error.message).toContain("no_such_thing_here");
    });

    it("reads several times at once", async () => {
      const all = await Promise.all(
        [1, 2, 3, 4].map((pageSize) => readPages(session, { stream: place.stream, pageSize })),
      );
      for (const pages of all) expect(idsOf(pages).toSorted()).toEqual(ids);
    });

    it("divides a stream, where it can, into ranges that hold each record once", async () => {
      const ranges = await session.ranges?.({ stream: place.stream, size: 10, most: 4, least: 1, signal: calm() });
      if (!ranges) return;
      expect(ranges).toHaveLength(4);
      const read: string[] = [];
      for (const range of JSON.parse(JSON.stringify(ranges)) as Json[]) {
        const [first] = await readPages(session, { stream: place.stream, pageSize: 3, range }, 1);
        const rest = await readPages(session, { stream: place.stream, pageSize: 7, range, cursor: first!.cursor });
        read.push(...idsOf([first!, ...rest]));
      }
      expect(read.toSorted()).toEqual(ids);
    });

    if (can.watermark) describeWatermark();

    function describeWatermark() {
      const field = can.watermark!;

      it("reads only what changed since the watermark, oldest first", async () => {
        const first = await readPages(session, { stream: place.stream, watermark: { field, after: null } });
        expect(idsOf(first)).toEqual(ids);
        const middle = first[2]!;
        const rest = await readPages(session, {
          stream: place.stream,
          watermark: { field, after: JSON.parse(JSON.stringify(middle.watermark)) },
        });
        expect(idsOf(rest)).toEqual(ids.slice(idsOf(first.slice(0, 3)).length));
        const none = await readPages(session, {
          stream: place.stream,
          watermark: { field, after: first.at(-1)!.watermark ?? null },
        });
        expect(idsOf(none)).toEqual([]);
      });

      it("loses and doubles none of the records that changed at the same moment", async () => {
        const tied = contractRecords(20).map((record) => ({ ...record, changed_at: "2026-03-01T08:00:00Z" }));
        const busy = await system().place(tied);
        const pages = await readPages(session, { stream: busy.stream, pageSize: 3, watermark: { field, after: null } });
        for (const [index, page] of pages.entries()) {
          const rest = await readPages(session, {
            stream: busy.stream,
            pageSize: 5,
            cursor: page.cursor,
            watermark: { field, after: null },
          });
          expect([...idsOf(pages.slice(0, index + 1)), ...idsOf(rest)].toSorted()).toEqual(tied.map((one) => one.id));
        }
      });

      it("finds a record that turns up later with the newest watermark, and reads none of the others again", async () => {
        const tied = contractRecords(6).map((record) => ({ ...record, changed_at: "2026-03-01T08:00:00Z" }));
        const few = await system().place(tied.slice(0, 4));
        const all = await system().place(tied);
        const first = await readPages(session, { stream: few.stream, pageSize: 3, watermark: { field, after: null } });
        const after = JSON.parse(JSON.stringify(first.at(-1)!.watermark));
        const late = await readPages(session, { stream: all.stream, pageSize: 3, watermark: { field, after } });
        expect(idsOf(late).toSorted()).toEqual(tied.slice(4).map((one) => one.id));
        const last = { field, after: late.at(-1)!.watermark ?? null };
        expect(idsOf(await readPages(session, { stream: all.stream, watermark: last }))).toEqual([]);
      });

      it("goes on behind the last record a limit allowed, although others share its watermark", async () => {
        const tied = contractRecords(9).map((record) => ({ ...record, changed_at: "2026-03-01T08:00:00Z" }));
        const busy = await system().place(tied);
        const read: string[] = [];
        let after: Json = null;
        for (let run = 0; run < 3; run++) {
          const pages = await readPages(session, { stream: busy.stream, limit: 4, watermark: { field, after } });
          read.push(...idsOf(pages));
          after = pages.at(-1)?.watermark ?? after;
        }
        expect(read.toSorted()).toEqual(tied.map((one) => one.id));
      });

      it("ends a backfill at `until`, inclusive", async () => {
        const watermark = { field, after: records[4]!.changed_at, until: records[9]!.changed_at };
        expect(idsOf(await readPages(session, { stream: place.stream, watermark }))).toEqual(ids.slice(5, 10));
      });
    }
  });
}
