import { describe, expect, it } from "vitest";
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import { keyOfFields, pickFields } from "../../connectors/sdk/key-index.ts";
import type { ConnectorSession, FindRequest, JsonRecord, ReadRequest } from "../../connectors/sdk/types.ts";
import { RecordFinder } from "./find-records.ts";
import { PageInterrupted } from "./page.ts";

const people = [
  { id: 1, name: "Ana" },
  { id: 2, name: "Ben" },
  { id: 3, name: "Ana" },
];
const signal = new AbortController().signal;

/** A system that holds these records; `asked` are the keys of each request. */
function system(records: JsonRecord[], { findable = true, failing = [] as IntegrationError[] } = {}) {
  const asked: number[] = [];
  let reads = 0;
  const session: Pick<ConnectorSession, "find" | "read"> = {
    async find({ match, keys, fields }: FindRequest) {
      if (!findable) return null;
      const failure = failing.shift();
      if (failure) throw failure;
      asked.push(keys.length);
      return keys.map((key) =>
        records
          .filter((record) => keyOfFields(record, match) === keyOfFields(key, match))
          .map((record) => pickFields(record, fields)),
      );
    },
    async *read({ pageSize }: ReadRequest) {
      reads += 1;
      for (let from = 0; from < records.length; from += pageSize)
        yield { records: records.slice(from, from + pageSize), cursor: from };
    },
  };
  const waits: number[] = [];
  const finder = new RecordFinder({
    connection: async () => ({ session }),
    sleep: async (ms) => void waits.push(ms),
    clock: () => new Date(0),
    signal,
  });
  const find = (ids: (number | string)[], match = "id") =>
    finder.find({
      step: "who",
      connection: "crm",
      stream: "people",
      match: [match],
      keys: ids.map((id) => ({ [match]: id })),
      fields: ["name"],
    });
  return { find, asked, waits, reads: () => reads };
}

describe("looking up records for a run", () => {
  it("asks for all keys of a page at once, and never twice for one key, also not for one that found nothing", async () => {
    const { find, asked } = system(people);
    expect(await find([2, 9, 1])).toEqual([[{ name: "Ben" }], [], [{ name: "Ana" }]]);
    expect(await find([9, 3, 2])).toEqual([[], [{ name: "Ana" }], [{ name: "Ben" }]]);
    expect(asked).toEqual([3, 1]);
  });

  it("cuts very many keys into requests of 2,000", async () => {
    const { find, asked } = system(people);
    const found = await find(Array.from({ length: 4_500 }, (_, index) => index));
    expect(found.flat()).toHaveLength(3);
    expect(asked).toEqual([2_000, 2_000, 500]);
  });

  it("forgets the oldest keys, so that memory does not grow with the data", async () => {
    const { find, asked } = system(people);
    for (let from = 0; from < 22_000; from += 1_000) await find(Array.from({ length: 1_000 }, (_, at) => from + at));
    await find([21_999, 0]);
    expect(asked.at(-1)).toBe(1);
    expect(asked).toHaveLength(23);
  });

  it("reads a stream once that cannot be asked for single records", async () => {
    const { find, reads } = system(people, { findable: false });
    expect(await find(["Ana", "Eva"], "name")).toEqual([[{ name: "Ana" }, { name: "Ana" }], []]);
    expect(await find(["Ben"], "name")).toEqual([[{ name: "Ben" }]]);
    expect(reads()).toBe(1);
  });

  it("refuses to read a large stream for it, and says what to do", async () => {
    const many = Array.from({ length: 50_001 }, (_, id) => ({ id, name: "x" }));
    const error = await system(many, { findable: false })
      .find([1])
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PageInterrupted);
    expect(error).toMatchObject({ step: "who", connection: "crm", failure: { code: "lookup-too-large" } });
    expect((error as Error).message).toContain("50,000");
  });

  it("waits a little for what passes, then interrupts the page with step and connection", async () => {
    const down = () => new IntegrationError("crm does not answer.", { kind: "transient", code: "unreachable" });
    const once = system(people, { failing: [down()] });
    expect(await once.find([1])).toEqual([[{ name: "Ana" }]]);
    expect(once.waits).toEqual([200]);
    const longer = system(people, { failing: [down(), down(), down(), down()] });
    await expect(longer.find([1])).rejects.toMatchObject({ step: "who", connection: "crm" });
    expect(longer.waits).toEqual([200, 800, 2_500]);
    expect(await longer.find([1])).toEqual([[{ name: "Ana" }]]);
  });

  it("does not wait where credentials are refused", async () => {
    const refused = new IntegrationError("crm refused us.", { kind: "credentials", code: "refused" });
    const { find, waits } = system(people, { failing: [refused] });
    await expect(find([1])).rejects.toMatchObject({ failure: { kind: "credentials" } });
    expect(waits).toEqual([]);
  });
});
