/** Where the pages of a run come from: its trigger, dead letters, what was parked or kept, and groups at its end. */
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import type { ConnectorSession, Json, JsonRecord, ReadPage } from "../../connectors/sdk/types.ts";
import type { Plan } from "../flow/compile.ts";
import type { RunPorts } from "../ports.ts";
import { tellKinds } from "../steps/read/changes.ts";
import { changesPosition, storedChanges, watermarkPosition } from "../steps/read/position.ts";
import type { ReadStep } from "../steps/read/schema.ts";
import type { FlowJob } from "./execute-flow.ts";
import { type GroupCursor, groupPages, type StoredPages } from "./group-pages.ts";
import type { PassedKeys } from "./left-behind.ts";
import type { ReplayedLetter, SourcePage } from "./page.ts";
import { readThroughBlips } from "./retry.ts";

/** Where a flow run stands: the connector's cursor, and the watermark it started after. */
export type FlowCursor = {
  cursor: Json;
  after: Json;
  /** collect over the run: the groups are leaving, and how far they are */
  groups?: GroupCursor | "done";
  /** collect over the run: the watermark to store when its groups have left */
  mark?: { step: string; value: Json };
  /** inserted, and counted, before their turn in the pages that are left */
  passed?: PassedKeys;
};

/** A page with the plan it goes through and what its checkpoint moves. */
export type PlannedPage = {
  plan: Plan;
  source: Omit<SourcePage, "number">;
  cursor: Json;
  watermark?: { step: string; value: Json };
  /** ids of the parked records that have their turn, in the order of the page's records */
  parked?: string[];
};

export const pageSizeOf = ({ flow }: Plan): number => flow.settings?.pageSize ?? 1000;

/** Parts that leave one step by one port. */
export type KeptPage = { continued: NonNullable<SourcePage["continued"]>; records: JsonRecord[]; cursor: Json };

/** Parked records, oldest first. */
export type ParkedPage = { ids: string[]; records: JsonRecord[]; cursor: Json };

/** Letters of one version that enter at the same steps. */
export type ReplayPage = {
  plan: Plan;
  entry: string[];
  letters: ReplayedLetter[];
  records: JsonRecord[];
  cursor: Json;
};

export async function* flowPages(plan: Plan, job: FlowJob, ports: RunPorts): AsyncGenerator<PlannedPage> {
  const step = plan.trigger.step;
  if (step.kind !== "read") throw new Error(`A flow that starts with “${step.kind}” cannot be run by reading.`);
  const { session } = await ports.connection(step.connection);
  if (step.sync === "changes" && job.mode === "live" && !job.backfill) {
    yield* changedPages(plan, job, ports, step, session);
    return;
  }
  const after = job.cursor ? job.cursor.after : (job.backfill?.from ?? watermarkPosition(job.watermark));
  // a dry run of a flow that follows changes looks at all records; a backfill goes by its watermark, if it has one
  const ranged = step.sync === "incremental" || (step.sync === "changes" && job.backfill !== undefined);
  // a stretch is read in the order of its key; the watermark of a divided first load was taken before it
  const incremental = ranged && step.watermark !== undefined && job.range === undefined;
  const pageSize = pageSizeOf(plan);
  let left = job.limit === undefined ? undefined : job.limit - job.state.totals.read;
  if (left !== undefined && left <= 0) return;
  const read = (cursor: Json) =>
    session.read({
      stream: step.stream,
      cursor,
      ...(job.range === undefined ? {} : { range: job.range }),
      ...(incremental && step.watermark
        ? {
            watermark: {
              field: step.watermark,
              after,
              ...(job.backfill?.to === undefined ? {} : { until: job.backfill.to }),
            },
          }
        : {}),
      pageSize,
      ...(left === undefined ? {} : { limit: left }),
      signal: ports.signal,
    });
  const begin = job.cursor?.cursor ?? null;
  // a live run goes on from its checkpoint some seconds later; a dry run has this one attempt
  const pages = job.mode === "dry" ? readThroughBlips(ports, begin, read) : read(begin);
  for await (const page of pages) {
    const limited = limitPage(page, left);
    if (left !== undefined) left -= limited.records.length + (limited.unreadable?.length ?? 0);
    yield {
      plan,
      source: { records: tellKinds(step, limited.records), unreadable: limited.unreadable ?? [], entry: [] },
      cursor: { cursor: page.cursor, after },
      ...(incremental && page.watermark !== undefined ? { watermark: { step: step.id, value: page.watermark } } : {}),
    };
    if (left !== undefined && left <= 0) return;
  }
}

/** What changed since the last run, as the connector finds it. Each page moves the flow's position. */
async function* changedPages(
  plan: Plan,
  job: FlowJob,
  ports: RunPorts,
  step: ReadStep,
  { watching }: ConnectorSession,
): AsyncGenerator<PlannedPage> {
  if (!watching)
    throw new IntegrationError(
      `“${step.connection}” cannot follow changes. Let step “${step.id}” read in full or by a watermark.`,
      { kind: "settings", code: "not-watchable" },
    );
  const after = job.cursor ? job.cursor.after : changesPosition(step, job.watermark);
  const limit = job.limit === undefined ? undefined : job.limit - job.state.totals.read;
  if (limit !== undefined && limit <= 0) return;
  const pages = watching.changes({
    stream: step.stream,
    cursor: job.cursor?.cursor ?? null,
    after,
    deletes: step.deletes === "pass",
    existing: step.existing !== "skip",
    ...(step.watermark === undefined ? {} : { watermark: step.watermark }),
    pageSize: pageSizeOf(plan),
    ...(limit === undefined ? {} : { limit }),
    signal: ports.signal,
  });
  for await (const { records, kinds, position } of pages)
    yield {
      plan,
      source: { records: tellKinds(step, records, kinds), unreadable: [], entry: [] },
      cursor: { cursor: position, after },
      watermark: { step: step.id, value: storedChanges(step, position) },
    };
}

/** The pages of a run that collects: its source's, then those of its groups. The watermark moves when all have left. */
export async function* withGroups(
  pages: AsyncGenerator<PlannedPage>,
  plan: Plan,
  job: FlowJob,
  ports: RunPorts,
  stored: StoredPages,
): AsyncGenerator<PlannedPage> {
  const begun = job.cursor?.groups;
  let place: JsonRecord = { ...job.cursor };
  let { mark } = job.cursor ?? {};
  if (begun === undefined) {
    for await (const { watermark, ...page } of pages) {
      mark = watermark ?? mark;
      place = { ...(page.cursor as JsonRecord), ...(mark ? { mark } : {}) };
      stored.handOut();
      yield { ...page, cursor: place };
    }
  }
  const env = { now: job.now, timeZone: plan.flow.settings?.timeZone ?? "UTC" };
  const source = { plan, store: ports.store, env, stored: () => stored.beforeLast(), pageSize: pageSizeOf(plan) };
  for await (const page of groupPages(source, begun === undefined || begun === "done" ? null : begun)) {
    stored.handOut();
    const last = page.groups === "done";
    yield {
      plan,
      source: page.source,
      cursor: { ...place, groups: page.groups },
      ...(last && mark ? { watermark: mark } : {}),
    };
  }
}

/** Ports that say which pages are stored. */
export function tellingWhatIsStored(ports: RunPorts, stored: StoredPages): RunPorts {
  const checkpoint: RunPorts["store"]["checkpoint"] = async (page) => {
    const reply = await ports.store.checkpoint(page);
    stored.reached(page.page);
    return reply;
  };
  return { ...ports, store: { ...ports.store, checkpoint } };
}

function limitPage(page: ReadPage, left: number | undefined): ReadPage {
  if (left === undefined || page.records.length <= left) return page;
  return { ...page, records: page.records.slice(0, left) };
}

export async function* replayPages(letters: AsyncIterable<ReplayPage>): AsyncGenerator<PlannedPage> {
  for await (const { plan, entry, letters: list, records, cursor } of letters) {
    yield { plan, source: { records, letters: list, entry, unreadable: [] }, cursor };
  }
}

export async function* releasePages(parked: AsyncIterable<ParkedPage>, plan: Plan): AsyncGenerator<PlannedPage> {
  for await (const { ids, records, cursor } of parked)
    yield { plan, source: { records, entry: [], unreadable: [] }, cursor, parked: ids };
}

export async function* keptPages(kept: AsyncIterable<KeptPage>, plan: Plan): AsyncGenerator<PlannedPage> {
  for await (const { continued, records, cursor } of kept)
    yield { plan, source: { records, entry: [], unreadable: [], continued }, cursor };
}
