/** The contract of following changes: what changed, once, from any position on, and nothing installed unasked. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChangesPage, ChangesRequest, Watching } from "../sdk/changes.ts";
import type { ConnectorSession, Json } from "../sdk/types.ts";
import type { ContractContext } from "./contract.ts";
import { type ContractPlace, contractRecords } from "./fixture.ts";
import { calm, openSession } from "./sessions.ts";

export function describeWatching<S, C>({ connector, can, system }: ContractContext<S, C>): void {
  describe.runIf(can.watch)("following changes", () => {
    const records = contractRecords(12);
    const ids = records.map((record) => record.id);
    let session: ConnectorSession;
    let watching: Watching;
    let place: ContractPlace;
    beforeAll(async () => {
      session = await openSession(connector, system());
      watching = session.watching as Watching;
    });
    beforeEach(async () => {
      place = await system().place(records);
    });
    afterAll(() => session?.close());

    async function changes(options: Partial<ChangesRequest>, from = watching): Promise<ChangesPage[]> {
      const { stream } = place;
      const request = { stream, cursor: null, after: null, deletes: true, existing: true, pageSize: 100 };
      const pages: ChangesPage[] = [];
      for await (const page of from.changes({ ...request, signal: calm(), ...options }))
        pages.push(JSON.parse(JSON.stringify(page))); // it is stored as JSON in between
      return pages;
    }
    const told = (pages: ChangesPage[]) =>
      pages.flatMap((page) => page.records.map(({ id }, at) => `${page.kinds[at]} ${id}`));
    const behind = (pages: ChangesPage[], before: Json = null): Json => pages.at(-1)?.position ?? before;
    const stateOf = async () => (await session.streams(calm())).find(({ name }) => name === place.stream)?.watch?.state;

    it("installs nothing unasked, says what it would make, and takes all of it away again", async () => {
      expect(await stateOf()).toBe("off");
      const plan = await watching.plan(place.stream, calm());
      expect(plan.summary.join(" ")).toContain(place.stream);
      expect(plan.script).not.toBe("");
      await changes({});
      expect(await stateOf()).toBe("off");
      await watching.install(place.stream, calm());
      expect(await stateOf()).toBe("on");
      await watching.remove(place.stream, calm());
      expect(await stateOf()).toBe("off");
    });

    it("where nothing is recorded it reads all, or by the watermark, and is not live", async () => {
      expect(told(await changes({})).toSorted()).toEqual(ids.map((id) => `read ${id}`));
      expect(await watching.look({ stream: place.stream, position: null, signal: calm() })).toMatchObject({
        live: false,
        note: expect.any(String),
      });
      if (!can.watermark) return;
      const watermark = can.watermark;
      const first = await changes({ watermark });
      expect(told(await changes({ watermark, after: behind(first) }))).toEqual([]);
    });

    it("tells what changed and what is gone, each record once, as it is", async () => {
      await watching.install(place.stream, calm());
      const first = await changes({ pageSize: 5 });
      expect(told(first).toSorted()).toEqual(ids.map((id) => `read ${id}`));
      const after = behind(first);
      const look = () => watching.look({ stream: place.stream, position: after, signal: calm() });
      expect(await look()).toEqual({ live: true, missed: false, pending: false });
      await place.change(ids[1]!, { city: "Ulm" });
      await place.change(ids[1]!, { city: "Bonn" });
      await place.remove(ids[2]!);
      expect(await look()).toEqual({ live: true, missed: false, pending: true });
      const next = await changes({ after });
      expect(told(next).toSorted()).toEqual([`delete ${ids[2]}`, `update ${ids[1]}`]);
      expect(next.flatMap((page) => page.records).find(({ id }) => id === ids[1])).toMatchObject({ city: "Bonn" });
      expect(told(await changes({ after, deletes: false }))).toEqual([`update ${ids[1]}`]);
      expect(told(await changes({ after: behind(next, after) }))).toEqual([]);
    });

    it("resumes from every position in another session, and begins with what comes when what exists is not wanted", async () => {
      await watching.install(place.stream, calm());
      const began = await changes({ existing: false });
      expect(told(began)).toEqual([]);
      for (const id of ids) await place.change(id, { city: "Kiel" });
      const pages = await changes({ after: behind(began), pageSize: 5 });
      expect(pages.length).toBeGreaterThan(1);
      const other = await openSession(connector, system());
      try {
        for (const [at, { position }] of pages.entries()) {
          const rest = await changes({ cursor: position, after: behind(began), pageSize: 4 }, other.watching);
          expect([...told(pages.slice(0, at + 1)), ...told(rest)].toSorted()).toEqual(ids.map((id) => `update ${id}`));
        }
      } finally {
        await other.close();
      }
    });

    it("wakes who listens, until it is told to stop", async () => {
      await watching.install(place.stream, calm());
      await watching.look({ stream: place.stream, position: null, signal: calm() });
      const control = new AbortController();
      const heard = new Set<string | null>();
      let ended: Promise<void> | undefined;
      await new Promise<void>((listening) => {
        ended = watching.listen({ signal: control.signal, listening }, (stream) => void heard.add(stream));
      });
      await place.change(ids[0]!, { city: "Jena" });
      await expect.poll(() => heard.has(place.stream) || heard.has(null), { timeout: 10_000 }).toBe(true);
      control.abort(new Error("enough"));
      await ended;
    });

    it("goes on telling what readers have not read, once others have", async () => {
      await watching.install(place.stream, calm());
      const start = behind(await changes({ existing: false }));
      await place.change(ids[3]!, { city: "Hof" });
      const fast = behind(await changes({ after: start }));
      const keep = { stream: place.stream, owner: "contract", signal: calm() };
      for (let times = 0; times < 3; times++)
        await watching.keep({
          ...keep,
          readers: [
            { id: "fast", position: fast, paused: false },
            { id: "slow", position: start, paused: false },
          ],
        });
      expect(told(await changes({ after: start }))).toEqual([`update ${ids[3]}`]);
    });
  });
}
