/** The contract of undo: exactly as before, unless someone changed it since. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConnectorSession, JsonRecord, Operation } from "../sdk/types.ts";
import type { UndoRecord } from "../sdk/writing.ts";
import type { ContractContext } from "./contract.ts";
import { type ContractPlace, contractRecords } from "./fixture.ts";
import { calm, errorOf, held, openSession, recordingHooks, toUndo, toWrite } from "./sessions.ts";

export function describeUndo<S, C>({ connector, can, system }: ContractContext<S, C>): void {
  const able = (operation: Operation) => can.write.includes(operation);
  describe.runIf(can.undo)("undo", () => {
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

    /** Writes, and gives what the ledger would hold of it. */
    const write = async (operation: Operation, values: JsonRecord[]): Promise<UndoRecord[]> => {
      const page = toWrite(values);
      const { hooks, entries } = recordingHooks();
      const match = operation === "insert" ? [] : ["id"];
      const got = await session.write({ sink: place.sink, operation, match, records: page, signal: calm() }, hooks);
      return toUndo(
        page,
        entries.map((entry) => {
          const outcome = got[entry.index]!;
          if (outcome.outcome !== "created") return entry;
          const { remoteId = entry.remoteId, identity = entry.identity, after = entry.after } = outcome;
          return { ...entry, remoteId, identity, after };
        }),
      );
    };
    const undo = (
      list: UndoRecord[],
      options: { force?: boolean; preview?: boolean } = {},
      hooks = recordingHooks().hooks,
    ) =>
      session.undo(
        { sink: place.sink, records: list, force: false, preview: false, signal: calm(), ...options },
        hooks,
      );
    const outcomes = (list: { outcome: string }[]) => list.map((one) => one.outcome);

    it.runIf(able("upsert"))("puts created and updated records back as they were", async () => {
      const ledger = await write("upsert", [{ ...records[0]!, name: "x", city: "Lyon" }, ...contractRecords(2, 101)]);
      const { hooks, entries } = recordingHooks();
      expect(outcomes(await undo(ledger, {}, hooks))).toEqual(Array(3).fill("restored"));
      expect(await held(place)).toEqual(records);
      expect(entries.map((entry) => entry.operation).toSorted()).toEqual(["delete", "delete", "update"]);
    });

    it.runIf(able("delete"))("creates deleted records again", async () => {
      const ledger = await write("delete", [{ id: records[2]!.id }, { id: records[4]!.id }]);
      expect(outcomes(await undo(ledger))).toEqual(["restored", "restored"]);
      expect(await held(place)).toEqual(records);
    });

    it.runIf(able("upsert"))(
      "shows a record that changed since as a conflict, and overwrites it only when forced",
      async () => {
        const ledger = await write("upsert", [
          { ...records[0]!, city: "Lyon" },
          { ...records[1]!, city: "Lyon" },
        ]);
        await place.change(records[0]!.id, { city: "Oslo" });
        const first = await undo(ledger);
        const conflict = first[ledger.findIndex((one) => one.key === records[0]!.id)]!;
        expect(conflict).toMatchObject({ outcome: "conflict", now: { city: "Oslo" } });
        expect(conflict.outcome === "conflict" && conflict.message).toContain("city");
        expect(outcomes(first).toSorted()).toEqual(["conflict", "restored"]);
        expect((await held(place)).map((record) => record.city)).toEqual([
          "Oslo",
          ...records.slice(1).map((one) => one.city),
        ]);
        const forced = await undo(
          ledger.filter((one) => one.key === records[0]!.id),
          { force: true },
        );
        expect(outcomes(forced)).toEqual(["restored"]);
        expect(await held(place)).toEqual(records);
      },
    );

    it.runIf(able("upsert"))("shows a conflict when the created record was changed since", async () => {
      const fresh = contractRecords(1, 201)[0]!;
      const ledger = await write("upsert", [fresh]);
      await place.change(fresh.id, { name: "edited by hand" });
      expect(await undo(ledger)).toMatchObject([{ outcome: "conflict", now: { name: "edited by hand" } }]);
      expect(await held(place)).toEqual([...records, { ...fresh, name: "edited by hand" }]);
      expect(outcomes(await undo(ledger, { force: true }))).toEqual(["restored"]);
      expect(await held(place)).toEqual(records);
    });

    it.runIf(able("upsert"))("is content with what is already as before", async () => {
      const fresh = contractRecords(1, 301)[0]!;
      const ledger = await write("upsert", [{ ...records[0]!, city: "Lyon" }, fresh]);
      await place.change(records[0]!.id, { city: records[0]!.city });
      await place.remove(fresh.id);
      expect(await undo(ledger)).toEqual([
        { outcome: "restored", entry: null },
        { outcome: "restored", entry: null },
      ]);
      expect(await held(place)).toEqual(records);
    });

    it.runIf(able("upsert"))("compares only in a preview", async () => {
      const ledger = await write("upsert", [
        { ...records[0]!, city: "Lyon" },
        { ...records[1]!, city: "Lyon" },
      ]);
      await place.change(records[1]!.id, { city: "Oslo" });
      const before = await held(place);
      const { hooks, entries } = recordingHooks();
      expect(outcomes(await undo(ledger, { preview: true }, hooks)).toSorted()).toEqual(["conflict", "restored"]);
      expect(entries).toEqual([]);
      expect(await held(place)).toEqual(before);
    });

    it.runIf(able("upsert"))("changes nothing when entering is refused", async () => {
      const ledger = await write("upsert", [{ ...records[0]!, city: "Lyon" }]);
      const before = await held(place);
      const enter = async () => {
        throw new Error("this worker no longer owns the run");
      };
      await errorOf(undo(ledger, {}, { enter }));
      expect(await held(place)).toEqual(before);
    });

    it.runIf(able("upsert"))("can itself be undone", async () => {
      const ledger = await write("upsert", [{ ...records[0]!, city: "Lyon" }, ...contractRecords(1, 401)]);
      const after = await held(place);
      const back = await undo(ledger);
      const second = back.flatMap((one, index): UndoRecord[] =>
        one.outcome === "restored" && one.entry
          ? [{ ...one.entry, key: ledger[index]!.key, idempotencyKey: `again:${ledger[index]!.key}` }]
          : [],
      );
      expect(outcomes(await undo(second.toReversed()))).toEqual(["restored", "restored"]);
      expect(await held(place)).toEqual(after);
    });
  });
}
