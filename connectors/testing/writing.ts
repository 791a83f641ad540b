/** The contract of writing: an outcome per record, entered before it is visible, once, and foreseen truly. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConnectorSession, JsonRecord, Operation } from "../sdk/types.ts";
import type { WriteRecord } from "../sdk/writing.ts";
import type { ContractContext } from "./contract.ts";
import { type ContractPlace, contractRecords } from "./fixture.ts";
import { calm, errorOf, held, openSession, recordingHooks, toWrite } from "./sessions.ts";

export function describeWriting<S, C>({ connector, can, system }: ContractContext<S, C>): void {
  const able = (operation: Operation) => can.write.includes(operation);
  describe.runIf(can.write.length > 0)("writing", () => {
    const records = contractRecords(6);
    let session: ConnectorSession;
    let place: ContractPlace;
    beforeAll(async () => {
      session = await openSession(connector, system());
    });
    afterAll(() => session?.close());
    beforeEach(async () => {
      place = await system().place(records);
    });

    const request = (operation: Operation, values: JsonRecord[] | WriteRecord[], match = ["id"]) => ({
      sink: place.sink,
      operation,
      match: operation === "insert" ? [] : match,
      records: isWrite(values) ? values : toWrite(values),
      signal: calm(),
    });
    const outcomes = (list: { outcome: string }[]) => list.map((one) => one.outcome);

    it("lists the sink with its fields, operations and match keys", async () => {
      const sink = (await session.sinks(calm())).find((one) => one.name === place.sink);
      expect(sink?.operations.toSorted()).toEqual(can.write.toSorted());
      if (!sink?.open || sink.fields.length > 0)
        expect(sink?.fields.map((field) => field.name)).toEqual(expect.arrayContaining(Object.keys(records[0]!)));
      expect(sink?.readBack).toBe(can.readBack);
      expect(sink?.undo !== "none").toBe(can.undo);
      expect(sink?.batchSize).toBeGreaterThan(0);
    });

    it.runIf(able("insert"))("creates records", async () => {
      const fresh = contractRecords(5, 101);
      const { hooks, entries } = recordingHooks();
      expect(outcomes(await session.write(request("insert", fresh), hooks))).toEqual(Array(5).fill("created"));
      expect(await held(place)).toEqual([...records, ...fresh]);
      expect(entries.map((entry) => entry.operation)).toEqual(Array(5).fill("create"));
      for (const entry of entries) {
        expect(entry.before).toBeNull();
        expect(entry.after).toMatchObject({ name: fresh[entry.index]!.name });
        expect(Object.keys(entry.identity).length).toBeGreaterThan(0);
      }
    });

    it.runIf(able("upsert"))("creates what is not there, changes what differs, leaves the rest alone", async () => {
      const page = [{ ...records[0]!, city: "Lyon" }, records[1]!, contractRecords(1, 201)[0]!];
      const { hooks, entries } = recordingHooks();
      const got = outcomes(await session.write(request("upsert", page), hooks));
      expect(got).toEqual(can.readBack ? ["updated", "unchanged", "created"] : got);
      expect(await held(place)).toEqual([page[0], ...records.slice(1), page[2]]);
      if (!can.readBack) return;
      const update = entries.find((entry) => entry.index === 0);
      expect(update).toMatchObject({
        operation: "update",
        identity: { id: records[0]!.id },
        before: { city: records[0]!.city },
        after: { city: "Lyon" },
      });
      expect(entries.map((entry) => entry.index).toSorted()).toEqual([0, 2]);
    });

    it.runIf(able("upsert"))("acts once per key when the same page is written twice", async () => {
      const page = [...contractRecords(3, 301), { ...records[2]!, name: "renamed" }];
      await session.write(request("upsert", page), recordingHooks().hooks);
      const once = await held(place);
      const { hooks, entries } = recordingHooks();
      const again = await session.write(request("upsert", page), hooks);
      if (can.readBack) expect(outcomes(again)).toEqual(Array(4).fill("unchanged"));
      if (can.readBack) expect(entries).toEqual([]);
      expect(await held(place)).toEqual(once);
    });

    it.runIf(able("update"))("changes the fields it is given, and no others", async () => {
      const { hooks } = recordingHooks();
      const written = await session.write(request("update", [{ id: records[3]!.id, city: "Bern" }]), hooks);
      expect(outcomes(written)).toEqual(["updated"]);
      expect((await held(place))[3]).toEqual({ ...records[3]!, city: "Bern" });
    });

    it.runIf(able("update"))("refuses to update a record that is not there", async () => {
      const [outcome] = await session.write(request("update", [{ id: "r9999", city: "Bern" }]), recordingHooks().hooks);
      expect(outcome).toMatchObject({ outcome: "failed", failure: { kind: "rejected" } });
      expect(await held(place)).toEqual(records);
    });

    it.runIf(able("delete"))("deletes records, with the whole record as before-image", async () => {
      const { hooks, entries } = recordingHooks();
      const got = await session.write(request("delete", [{ id: records[1]!.id }, { id: "r9999" }]), hooks);
      expect(got[0]?.outcome).toBe("deleted");
      if (can.readBack) expect(got[1]?.outcome).toBe("unchanged");
      expect(await held(place)).toEqual(records.filter((_, index) => index !== 1));
      if (can.readBack) expect(entries[0]).toMatchObject({ operation: "delete", before: records[1]!, after: null });
    });

    it.runIf(able("upsert"))("handles one after the other two writes of one session at the same time", async () => {
      const page = contractRecords(40, 401);
      await Promise.all([
        session.write(request("upsert", page), recordingHooks().hooks),
        session.write(request("upsert", page.toReversed()), recordingHooks().hooks),
      ]);
      expect(await held(place)).toEqual([...records, ...page]);
    });

    it.runIf(can.refused !== undefined)("never lets a bad record cost its neighbours", async () => {
      const page: WriteRecord[] = toWrite(contractRecords(9, 501));
      const bad = can.refused!(contractRecords(1, 505)[0]!);
      page[4] = { ...page[4]!, values: bad.values };
      const operation = able("upsert") ? "upsert" : "insert";
      const got = await session.write(request(operation, page), recordingHooks().hooks);
      const want = Array<string>(9).fill("created");
      want[4] = "failed";
      expect(outcomes(got)).toEqual(want);
      const failed = got[4]!;
      if (failed.outcome !== "failed") throw new Error("unreachable");
      expect(failed.failure.kind).toBe("rejected");
      expect(failed.failure.message.length).toBeGreaterThan(15);
      if (bad.field) expect(failed.failure.field).toBe(bad.field);
      const there = (await held(place)).slice(records.length).map((record) => record.id);
      expect(there).toEqual(page.filter((_, index) => index !== 4).map((record) => record.key));
    });

    it("enters every change before anyone can see it", async () => {
      const fresh = contractRecords(3, 601);
      const { hooks, seen, entries } = recordingHooks(place);
      const operation = able("upsert") ? "upsert" : "insert";
      await session.write(request(operation, fresh), hooks);
      expect(entries.map((entry) => entry.index).toSorted()).toEqual([0, 1, 2]);
      // What a record's own entry promises must not be there when it is entered; earlier batches may be.
      const first = seen[0]!.map((record) => record.id);
      expect(first.filter((id) => id === fresh[0]!.id)).toEqual([]);
    });

    it("writes nothing when entering is refused", async () => {
      const operation = able("upsert") ? "upsert" : "insert";
      const refusing = {
        enter: async () => {
          throw new Error("this worker no longer owns the run");
        },
      };
      const page = [...contractRecords(2, 701)];
      const error = await errorOf(session.write(request(operation, page), refusing));
      expect(error.message).toContain("no longer owns");
      expect(await held(place)).toEqual(records);
    });

    it("names a sink that is not there", async () => {
      const write = { ...request(can.write[0]!, contractRecords(1, 801)), sink: "no_such_thing_here" };
      const error = await errorOf(session.write(write, recordingHooks().hooks));
      expect(error).toMatchObject({ kind: "settings" });
      expect(error.message).toContain("no_such_thing_here");
    });

    it("writes nothing when it is stopped beforehand", async () => {
      const stopped = {
        ...request(can.write[0]!, contractRecords(2, 901)),
        signal: AbortSignal.abort(new Error("stop")),
      };
      await errorOf(session.write(stopped, recordingHooks().hooks));
      expect(await held(place)).toEqual(records);
    });

    it.runIf(can.readBack)("foresees what write does, and writes nothing", async () => {
      const changed = [{ ...records[0]!, city: "Lyon" }, records[1]!, ...contractRecords(2, 811)];
      const page: WriteRecord[] = toWrite(changed);
      if (can.refused) page.push({ ...toWrite(contractRecords(1, 821))[0]!, ...refusedValues(821) });
      const operation = able("upsert") ? "upsert" : "insert";
      const foreseen = await session.foresee(request(operation, page));
      expect(await held(place)).toEqual(records);
      const { hooks, entries } = recordingHooks();
      const written = await session.write(request(operation, page), hooks);
      expect(outcomes(foreseen)).toEqual(outcomes(written));
      for (const entry of entries) {
        const seen = foreseen[entry.index]!;
        if (seen.outcome === "unchanged" || seen.outcome === "failed") throw new Error("foreseen otherwise");
        expect(seen.before).toEqual(entry.before);
        expect(entry.after).toMatchObject(seen.after ?? {});
      }
      for (const [index, outcome] of written.entries())
        if (outcome.outcome === "failed") expect(foreseen[index]).toEqual(outcome);
    });

    it.runIf(can.readBack && able("upsert"))("foresees over what the same dry run assumed before", async () => {
      const fresh = contractRecords(1, 831)[0]!;
      const assumed = new Map<string, JsonRecord | null>([
        [fresh.id, fresh],
        [records[0]!.id, { ...records[0]!, city: "Lyon" }],
      ]);
      const page = [fresh, { ...records[0]!, city: "Lyon" }];
      expect(outcomes(await session.foresee({ ...request("upsert", page), assumed }))).toEqual([
        "unchanged",
        "unchanged",
      ]);
    });

    function refusedValues(number: number) {
      return { values: can.refused!(contractRecords(1, number)[0]!).values };
    }
  });
}

const isWrite = (values: JsonRecord[] | WriteRecord[]): values is WriteRecord[] =>
  values.length > 0 && "idempotencyKey" in values[0]!;
