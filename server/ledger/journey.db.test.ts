import { afterAll, beforeAll, expect, it } from "vitest";
import { joinKey } from "../../engine/steps/field-access.ts";
import { callerAs } from "../testing/callers.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertChange, insertFlow, insertLetter, insertRunRow } from "../testing/rows.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("s2_journey");
});
afterAll(() => database?.drop());

it("tells what happened to a record across flows, newest last", async () => {
  const ctx = await testContext(database);
  const flow_id = await insertFlow(ctx, { document: { name: "Orders" }, liveVersion: 1 });
  const run_id = await insertRunRow(ctx, { flow_id });
  const begun = Date.now() - 3_600_000;
  const minute = (count: number) => new Date(begun + count * 60_000);
  const reason = "Expected an e-mail address, found nothing.";
  const letter = { key: "4711", at: minute(0), reason, state: "resolved", closed_at: minute(1), replay_run_id: run_id };
  await insertLetter(ctx, { flow_id, run_id, ...letter });
  await insertChange(ctx, {
    flow_id,
    run_id,
    record_key: "INV-1",
    source_key: "4711",
    at: minute(1),
    after: { total: 5 },
  });
  await ctx.pool.query(
    `INSERT INTO record_outcome (at, workspace_id, run_id, flow_id, step_id, keys, outcome) VALUES ($1, $2, $3, $4, 'books', $5, 'unchanged')`,
    [minute(2), ctx.workspaceId, run_id, flow_id, ["4710", "4711"]],
  );
  const update = { operation: "update", before: { total: 5 }, after: { total: 7 } };
  await insertChange(ctx, { flow_id, run_id, record_key: "4711", source_key: "4711", at: minute(3), ...update });
  await insertChange(ctx, {
    flow_id,
    run_id,
    record_key: "4711",
    at: minute(4),
    undoes: 1,
    state: "unknown",
    ...update,
  });
  await insertChange(ctx, { flow_id, run_id, record_key: "4711", at: minute(5), state: "foreseen" });
  await insertChange(ctx, { flow_id, run_id, record_key: "4711", at: minute(5), state: "void" });

  const journey = await callerAs(ctx, "viewer").records.journey({ key: "4711" });
  expect(journey.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
    "failed dead",
    "written created",
    "replayed resolved",
    "ended unchanged",
    "written updated",
    "undone unknown",
  ]);
  expect(journey.map((item) => item.reason)).toEqual([reason, ...Array(5).fill(undefined)]);
  expect(journey[4]).toMatchObject({
    flow: flow_id,
    flowName: "Orders",
    run: run_id,
    step: "books",
    before: { total: 5 },
    after: { total: 7 },
  });
  expect(await callerAs(ctx).records.journey({ key: "INV-1" })).toHaveLength(1);
  expect(await callerAs(ctx).records.journey({ key: "47" })).toEqual([]);
  expect(await callerAs(await testContext(database)).records.journey({ key: "4711" })).toEqual([]);
  await expect(callerAs(ctx).records.journey({ key: "" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
});

it("finds a record by its key as it stands in the record, whatever signs it holds", async () => {
  const ctx = await testContext(database);
  const flow_id = await insertFlow(ctx, { document: { name: "Orders" }, liveVersion: 1 });
  const run_id = await insertRunRow(ctx, { flow_id });
  const kept = joinKey(["EU|4711\\a"]);
  await insertChange(ctx, { flow_id, run_id, record_key: "1", source_key: kept, after: { total: 5 } });
  await insertLetter(ctx, { flow_id, run_id, key: kept, reason: "no" });
  for (const key of ["EU|4711\\a", kept]) {
    expect(await callerAs(ctx).records.journey({ key })).toHaveLength(2);
    expect(await callerAs(ctx).search.all({ text: key })).toMatchObject([{ kind: "record" }]);
  }
});
