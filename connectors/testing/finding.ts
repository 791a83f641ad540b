/** The contract of looking up: the records of each key, in the order asked, many at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectorSession, FindRequest, JsonRecord } from "../sdk/types.ts";
import type { ContractContext } from "./contract.ts";
import { type ContractPlace, contractRecords } from "./fixture.ts";
import { calm, errorOf, openSession } from "./sessions.ts";

export function describeFinding<S, C>({ connector, can, system }: ContractContext<S, C>): void {
  describe.runIf(can.find === true)("looking up", () => {
    const records = contractRecords(12);
    let session: ConnectorSession;
    let place: ContractPlace;
    beforeAll(async () => {
      place = await system().place(records);
      session = await openSession(connector, system());
    });
    afterAll(() => session?.close());

    const find = async (ids: string[], more: Partial<FindRequest> = {}): Promise<JsonRecord[][]> => {
      const keys = ids.map((id) => ({ id }));
      const found = await session.find?.({ stream: place.stream, match: ["id"], keys, signal: calm(), ...more });
      if (!found) throw new Error("The stream cannot be asked for records by id");
      return found;
    };
    const idsOf = (found: JsonRecord[][]) => found.map((list) => list.map(({ id }) => id));

    it("says that it can be asked for single records", async () => {
      const stream = (await session.streams(calm())).find(({ name }) => name === place.stream);
      expect(stream?.findBy).toBeDefined();
    });

    it("gives the records of each key in the order asked, and none for a key that is not there", async () => {
      expect(idsOf(await find(["r0007", "nobody", "r0001"]))).toEqual([["r0007"], [], ["r0001"]]);
      const [[whole]] = (await find(["r0002"])) as [[JsonRecord]];
      expect(whole).toMatchObject({ name: records[1]!.name, city: records[1]!.city });
    });

    it("gives only the fields asked for", async () => {
      expect(await find(["r0003"], { fields: ["city"] })).toEqual([[{ city: records[2]!.city }]]);
    });

    it("takes any text as a key, and looks for just that", async () => {
      expect(idsOf(await find(["r0001' OR '1'='1", "%", "r0001/../r0002", "雪 🚀"]))).toEqual([[], [], [], []]);
    });

    it("sees what changed a moment ago", async () => {
      const other = await system().place(records);
      const cityOf = async () =>
        (
          await session.find?.({ stream: other.stream, match: ["id"], keys: [{ id: "r0004" }], signal: calm() })
        )?.[0]?.[0]?.city;
      expect(await cityOf()).toBe(records[3]!.city);
      await other.change("r0004", { city: "Elsewhere" });
      expect(await cityOf()).toBe("Elsewhere");
    });

    it("names a stream that is not there", async () => {
      const error = await errorOf(find(["r0001"], { stream: "no_such_thing_here" }));
      expect(error).toMatchObject({ kind: "settings" });
      expect(error.message).toContain("no_such_thing_here");
    });
  });
}
