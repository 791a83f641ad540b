/** Ends a batch: its runs, their counters, letters and journeys, in one transaction with the queue. */
import type pg from "pg";
import type { Settlement, Unprocessed } from "../../engine/run/event-batch.ts";
import type { EventEnd, EventResult, EventsResult } from "../../engine/run/process-events.ts";
import type { StopCondition } from "../../engine/run/stop-condition.ts";
import { OUTCOMES } from "../../engine/steps/define-step.ts";
import { storeHeld } from "../db/run-store/held.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { storeLetters } from "../db/run-store/letters.ts";
import { storeParked } from "../db/run-store/parked.ts";
import { storableJson } from "../db/storable.ts";
import { ANSWERS_CHANNEL, type EventAnswer } from "../intake/answers.ts";
import { publishFromFlow } from "../topics/flow-events.ts";
import type { ClaimedEvent } from "./claim-events.ts";
import type { EventLease } from "./event-lease.ts";
import { fixEventLedger, refused } from "./event-ledger.ts";
import { holdFlow, stopFlow } from "./stop-events.ts";

export type Batch = {
  lease: EventLease;
  /** how often runs of the flow's events had been cancelled when it was claimed */
  cancels: number;
  version: number;
  events: ClaimedEvent[];
  startedAt: Date;
  /** how the events came */
  trigger: "webhook" | "event";
  /** keep what senders that wait are answered */
  answers: boolean;
};

/** How a run ends: state, counters and steps, shared by all events of the batch that went the same way. */
type Kind = { state: string; read: number; steps: unknown; error?: unknown } & { [outcome: string]: unknown };

const RUN_VALUES = `e.id, $3, $1, $4::int, 'flow', 'live', k.state, $12::text, e.by, 1, e.at, $5::timestamptz, now(), k.error,
  k.read, ${OUTCOMES.map((outcome) => `k.${outcome}`).join(", ")}, k.steps`;

// A run that waited is there already and is brought to its end.
const SETTLE = `
  WITH held AS MATERIALIZED (SELECT 1 FROM inbox_drain WHERE flow_id = $1 AND lease_token = $2 AND cancels = $13 FOR SHARE),
  kinds AS MATERIALIZED (SELECT * FROM json_to_recordset($6::json) AS k(n int, state text, error jsonb, read bigint,
    ${OUTCOMES.map((outcome) => `${outcome} bigint`).join(", ")}, steps jsonb)),
  runs AS (INSERT INTO run AS r (id, workspace_id, flow_id, version, kind, mode, state, trigger, started_by, attempt,
      created_at, started_at, finished_at, error, read, ${OUTCOMES.join(", ")}, steps)
    SELECT ${RUN_VALUES} FROM held, unnest($7::bigint[], $8::int[], $9::timestamptz[], $10::text[]) AS e(id, kind, at, by)
      JOIN kinds k ON k.n = e.kind
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version, attempt = r.attempt + 1,
      finished_at = excluded.finished_at, error = excluded.error, wait_reason = NULL, resume_at = NULL, wait_connection = NULL,
      waiting_records = 0, read = excluded.read, steps = excluded.steps,
      ${OUTCOMES.map((outcome) => `${outcome} = excluded.${outcome}`).join(", ")}
    WHERE r.state IN ('queued', 'waiting')),
  gone AS (DELETE FROM inbox_queue q USING held WHERE q.flow_id = $1 AND q.id = ANY($7::bigint[])),
  sent AS (DELETE FROM inbox_sending s USING held WHERE s.flow_id = $1 AND s.lease_token = $2 AND s.part = ANY($11::int[]))
  SELECT 1 FROM held`;

/**
 * @throws LeaseLost when another process took the flow's events over, RunsCancelled when runs were cancelled since the batch
 *   was claimed; then nothing is stored
 */
export async function settleEvents(
  pool: pg.Pool,
  batch: Batch,
  { result, parts, recovered }: Settlement,
  stop: StopCondition,
): Promise<void> {
  const quiet = result.ends.filter((end) => !WRITTEN.has(end.outcome) && end.outcome !== "dead");
  const { letters, fixes, remembered, parked, published, held } = result;
  const plain =
    letters.length +
      fixes.length +
      remembered.length +
      quiet.length +
      parked.length +
      published.length +
      held.length ===
      0 &&
    !batch.answers &&
    !recovered;
  if (plain) return await settle(pool, batch, result, parts);
  const runs = batch.events.map(({ runId }) => runId);
  const failed = result.events.some(({ outcomes }) => outcomes.dead > 0);
  await inTransaction(pool, async (client) => {
    if (failed) await holdFlow(client, batch, stop);
    await settle(client, batch, result, parts);
    if (recovered) await forgetFailures(client, batch.lease);
    await storeLetters(client, letterPlace(batch), letters);
    await fixEventLedger(client, runs, fixes);
    await storeJourneys(client, batch, quiet);
    await storeParked(client, letterPlace(batch), parked);
    await publishFromFlow(client, batch.lease, published);
    await storeHeld(client, letterPlace(batch), held);
    for (const { step, keys } of remembered)
      await client.query(
        `INSERT INTO seen_key (workspace_id, scope, step_id, key, run_id)
         SELECT $5, $1, $2, k, $4 FROM unnest($3::text[]) AS k ON CONFLICT DO NOTHING`,
        [batch.lease.flowId, step, keys, runs[0], batch.lease.workspaceId],
      );
    if (batch.answers) await storeAnswers(client, batch, result);
    if (failed) await stopFlow(client, batch, stop);
  });
}

const WRITTEN = new Set(["created", "updated", "deleted"]);

function letterPlace({ lease, version, events }: Batch) {
  const { workspaceId, flowId } = lease;
  return { workspaceId, flowId, version, runId: events[0]?.runId ?? "0", mode: "live" as const };
}

async function settle(
  client: pg.Pool | pg.ClientBase,
  batch: Batch,
  { events, ways }: EventsResult,
  parts: number[],
): Promise<void> {
  const kinds: Kind[] = [];
  const known = new Map<string, number>();
  const kindOf = events.map(({ read, outcomes, way }) => {
    const name = `${way} ${read} ${OUTCOMES.map((outcome) => outcomes[outcome]).join(" ")}`;
    let kind = known.get(name);
    if (kind === undefined) {
      kind = kinds.length;
      known.set(name, kind);
      const state = outcomes.dead > 0 ? "succeeded_with_errors" : "succeeded";
      kinds.push({ n: kind, state, read, ...outcomes, steps: ways[way] });
    }
    return kind;
  });
  await store(client, batch, { kinds, kindOf, parts });
}

async function store(
  client: pg.Pool | pg.ClientBase,
  { lease, cancels, version, events, startedAt, trigger }: Batch,
  { kinds, kindOf, parts }: { kinds: Kind[]; kindOf: number[]; parts: number[] },
): Promise<void> {
  const { rowCount } = await client.query({
    name: "events-settle",
    text: SETTLE,
    values: [
      lease.flowId,
      lease.token,
      lease.workspaceId,
      version,
      startedAt,
      storableJson(kinds),
      events.map(({ runId }) => runId),
      kindOf,
      events.map(({ receivedAt }) => receivedAt),
      events.map(({ sentBy }) => sentBy),
      parts,
      trigger,
      cancels,
    ],
  });
  if (rowCount !== 1) await refused(client, lease);
}

/** Events went through again: attempts are counted anew. */
async function forgetFailures(client: pg.ClientBase, { flowId, token }: EventLease): Promise<void> {
  await client.query(
    `UPDATE inbox_drain SET failures = 0, failing_since = NULL, wait_reason = NULL, resume_at = NULL, error = NULL
     WHERE flow_id = $1 AND lease_token = $2`,
    [flowId, token],
  );
}

/**
 * Ends a batch no step of which could run: each event is a dead letter where the flow begins, to be sent again once the
 * reason is gone.
 */
export async function settleUnprocessed(
  pool: pg.Pool,
  batch: Batch,
  { trigger, failure, state }: Unprocessed,
  stop: StopCondition,
): Promise<void> {
  const none = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  const kinds = new Map<number, Kind>();
  const error = { ...failure, step: trigger };
  for (const { records } of batch.events) {
    const read = records.length;
    const steps = [{ id: trigger, in: read, out: 0, ports: {}, dead: read }];
    if (!kinds.has(read)) kinds.set(read, { ...none, n: kinds.size, state, error, read, dead: read, steps });
  }
  const kindOf = batch.events.map(({ records }) => (kinds.get(records.length) as Kind).n as number);
  const letters = batch.events.flatMap(({ runId, eventId, records }) =>
    records.map((record) => ({
      runId,
      step: trigger,
      key: eventId,
      failure: { kind: "rejected" as const, ...failure },
      data: record,
      source: record,
    })),
  );
  await inTransaction(pool, async (client) => {
    await holdFlow(client, batch, stop);
    await store(client, batch, { kinds: [...kinds.values()], kindOf, parts: [] });
    await storeLetters(client, letterPlace(batch), letters);
    await stopFlow(client, batch, stop);
    if (!batch.answers) return;
    const answer: EventAnswer = { outcome: "dead", error };
    await tellAnswers(
      client,
      batch,
      batch.events.map(({ runId }) => [runId, answer]),
    );
  });
}

async function storeJourneys(client: pg.ClientBase, { lease }: Batch, ends: EventEnd[]): Promise<void> {
  if (ends.length === 0) return;
  const column = (name: "runId" | "step" | "outcome" | "key") => ends.map((end) => end[name]);
  await client.query(
    `INSERT INTO record_outcome (workspace_id, flow_id, run_id, step_id, outcome, keys)
     SELECT $1, $2, r, s, o, ARRAY[k] FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS e(r, s, o, k)`,
    [lease.workspaceId, lease.flowId, column("runId"), column("step"), column("outcome"), column("key")],
  );
}

async function storeAnswers(client: pg.ClientBase, batch: Batch, { ends, events }: EventsResult): Promise<void> {
  const byRun = Map.groupBy(ends, ({ runId }) => runId);
  const answers = events.map((event): [string, EventAnswer] => [
    event.runId,
    answerOf(event, byRun.get(event.runId) ?? []),
  ]);
  await tellAnswers(client, batch, answers);
}

/** The least good part speaks for the event. What is held has no result yet: it waits for a person, a time, or one before it. */
function answerOf({ outcomes }: EventResult, ends: EventEnd[]): EventAnswer {
  const outcome = OUTCOMES.find((one) => outcomes[one] > 0) ?? "filtered";
  if (outcome === "held") return { outcome, records: [] };
  const dead = ends.find((end) => end.outcome === "dead");
  if (!dead) return { outcome, records: ends.map(({ record }) => record) };
  const { code = "unknown-reason", message = "No reason was given.", field } = dead.failure ?? {};
  return { outcome, error: { code, message, step: dead.step, ...(field === undefined ? {} : { field }) } };
}

async function tellAnswers(client: pg.ClientBase, { lease }: Batch, answers: [string, EventAnswer][]): Promise<void> {
  const rows = answers.map(([id, answer]) => ({ id, answer }));
  await client.query(
    `INSERT INTO inbox_answer (workspace_id, id, flow_id, answer)
     SELECT $3, id, $1, answer FROM json_to_recordset($2::json) AS a(id bigint, answer jsonb) ON CONFLICT (id) DO NOTHING`,
    [lease.flowId, storableJson(rows), lease.workspaceId],
  );
  for (let from = 0; from < answers.length; from += 300) {
    const ids = answers.slice(from, from + 300).map(([id]) => id);
    await client.query("SELECT pg_notify($1, $2)", [ANSWERS_CHANNEL, ids.join(",")]);
  }
}
