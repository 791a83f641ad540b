import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { type CompiledStep, compileFlow, type Plan } from "../../engine/flow/compile.ts";
import { readDraft } from "../../engine/flow/read-draft.ts";
import { RecordFinder } from "../../engine/run/find-records.ts";
import type { Batch, StepContext, StepResult } from "../../engine/steps/define-step.ts";
import { tellKinds } from "../../engine/steps/read/changes.ts";
import { worldFor } from "../connections/open-connection.ts";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import { Unprocessable } from "../errors.ts";
import { eventSample, withLearnt } from "../events/learnt-world.ts";
import { runConnections } from "../runs/run-connections.ts";
import type { PreviewAt } from "../trpc/contract/flows.ts";
import { connectionsOf, FlowDocument, readDocument } from "./read-document.ts";
import { type Sample, SampleLimit, sampleSource } from "./sample-source.ts";

export const PreviewFlow = z.object({
  document: FlowDocument,
  stepId: AnyId,
  limit: SampleLimit,
  /** the flow it is a draft of: a webhook is previewed with its newest events */
  flowId: AnyId.optional(),
});
export type PreviewFlow = z.output<typeof PreviewFlow>;

const LIMIT_MS = 10_000;
const sleep = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal });

/**
 * What happens at one step to the first records of the real source: each part that enters it, and what leaves or why it
 * ends. Writes nothing anywhere.
 *
 * @throws Unprocessable `no-preview`: the step, or one before it, has a problem or is not linked
 * @throws IntegrationError the source cannot be read
 */
export async function previewFlow(
  ctx: ServerContext,
  { document, stepId, limit, flowId }: PreviewFlow,
): Promise<PreviewAt[]> {
  const draft = readDraft(readDocument(document));
  const world = await withLearnt(ctx, await worldFor(ctx, connectionsOf(document)), document, flowId);
  const broken = draft.broken.map(({ id }) => id);
  const { plan, problems } = compileFlow(draft.flow, world, { upTo: stepId, tolerant: true, broken });
  const step = plan?.steps.get(stepId);
  if (plan === undefined || step === undefined) {
    const [problem] = [...draft.problems, ...problems];
    const why = problem === undefined ? "Link it to the flow's trigger." : `${problem.message} ${problem.remedy}`;
    throw new Unprocessable("no-preview", `There is no preview of step “${stepId}” yet. ${why}`, { problems });
  }
  const sample = await sampleOf(ctx, plan, { limit, flowId });
  const signal = AbortSignal.timeout(LIMIT_MS);
  const connections = runConnections(ctx, ctx.workspaceId);
  try {
    return await previewAt(
      plan,
      step,
      sample,
      signal,
      new RecordFinder({ ...connections, sleep, signal, clock: () => new Date() }),
    );
  } finally {
    connections.release();
  }
}

async function sampleOf(
  ctx: ServerContext,
  { trigger }: Plan,
  { limit, flowId }: { limit: number; flowId: string | undefined },
): Promise<Sample> {
  if (trigger.step.kind === "webhook" || trigger.step.kind === "event") {
    const records = await eventSample(ctx, trigger.step, flowId, limit);
    if (records.length > 0) return { records, unreadable: [] };
    const message = `There is no preview: no event has arrived at “${trigger.id}” yet. Send one, or paste a sample into the step.`;
    throw new Unprocessable("no-preview", message);
  }
  const { connection, stream } = trigger.step as { connection?: string; stream?: string };
  if (connection !== undefined && stream !== undefined) {
    const sample = await sampleSource(ctx, { connection, stream, limit });
    return trigger.step.kind === "read" ? { ...sample, records: tellKinds(trigger.step, sample.records) } : sample;
  }
  throw new Unprocessable(
    "no-preview",
    `There is no preview: step “${trigger.id}” has no source to read samples from.`,
  );
}

/** The pure part: runs the sample through the plan up to the step. */
export async function previewAt(
  plan: Plan,
  at: CompiledStep,
  { records, unreadable }: Sample,
  signal: AbortSignal,
  finder: Pick<RecordFinder, "find">,
): Promise<PreviewAt[]> {
  const keys = records.map((record, index) => plan.keyOf(record) ?? String(index + 1));
  if (at === plan.trigger) {
    const bad = unreadable.map(
      ({ key, data, failure }): PreviewAt => ({
        key,
        before: data,
        after: null,
        ended: { outcome: "dead", ...(failure.field ? { field: failure.field } : {}), message: failure.message },
      }),
    );
    return [
      ...records.map((record, index): PreviewAt => ({ key: keys[index] ?? "", before: record, after: record })),
      ...bad,
    ];
  }
  const entering = await enteringBatch(plan, at, records, context(plan, signal, finder));
  const keyAt = (index: number) => keys[entering.origins[index] ?? -1] ?? "";
  if (at.write !== undefined) return entering.records.map((record, index) => previewWrite(at, record, keyAt(index)));
  if (at.executor === undefined)
    return entering.records.map((before, index) => ({ key: keyAt(index), before, after: before }));
  // numbered afresh, so that each part that leaves is found beside the part it was made of
  const numbered: Batch = { records: entering.records, origins: entering.records.map((_, index) => index) };
  const result = await at.executor(numbered, context(plan, signal, finder));
  return entering.records.flatMap((before, index) => previewPart(result, before, index, keyAt(index)));
}

async function enteringBatch(plan: Plan, at: CompiledStep, records: JsonRecord[], ctx: StepContext): Promise<Batch> {
  const arriving = new Map<string, Batch>();
  const send = (from: CompiledStep, port: string, batch: Batch) => {
    for (const next of from.next[port] ?? []) {
      const waiting = arriving.get(next) ?? { records: [], origins: [] };
      arriving.set(next, {
        records: [...waiting.records, ...batch.records],
        origins: [...waiting.origins, ...batch.origins],
      });
    }
  };
  for (const step of plan.order) {
    if (step === at) break;
    if (step === plan.trigger) {
      send(step, "out", { records, origins: records.map((_, index) => index) });
      continue;
    }
    const batch = arriving.get(step.id);
    if (batch === undefined || step.executor === undefined) continue;
    const { out } = await step.executor(batch, ctx);
    for (const [port, leaving] of Object.entries(out)) send(step, port, leaving);
  }
  return arriving.get(at.id) ?? { records: [], origins: [] };
}

function context(plan: Plan, signal: AbortSignal, finder: Pick<RecordFinder, "find">): StepContext {
  return {
    now: new Date(),
    timeZone: plan.flow.settings?.timeZone ?? "UTC",
    mode: "dry",
    groups: "page",
    signal,
    seen: async () => new Set(),
    remember: () => {},
    find: (request) => finder.find(request),
  };
}

function previewPart({ out, ended }: StepResult, before: JsonRecord, index: number, key: string): PreviewAt[] {
  const left = Object.entries(out).flatMap(([port, batch]) =>
    batch.records
      .filter((_, place) => batch.origins[place] === index)
      .map((after): PreviewAt => ({ key, before, after, ...(port === "out" ? {} : { port }) })),
  );
  const stayed = ended
    .filter(({ origin }) => origin === index)
    .map(({ outcome, failure }): PreviewAt => {
      const why =
        failure === undefined ? {} : { message: failure.message, ...(failure.field ? { field: failure.field } : {}) };
      return { key, before, after: null, ended: { outcome, ...why } };
    });
  return [...left, ...stayed];
}

function previewWrite({ write }: CompiledStep, before: JsonRecord, key: string): PreviewAt {
  const made = write?.toWrite(before);
  if (made === undefined) return { key, before, after: before };
  if (made.ok) return { key: write?.writeKey(made.values) || key, before, after: made.values };
  const { message, field } = made.failure;
  return { key, before, after: null, ended: { outcome: "dead", message, ...(field ? { field } : {}) } };
}
