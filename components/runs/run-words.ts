/** What a run did, as numbers that add up and as sentences a colleague would say. Pure. */
import type { Counts, RunMode, RunSummary } from "../../server/trpc/contract/runs.ts";
import { formatNumber, shortTime } from "../ui/format.ts";
import type { Segment } from "../ui/stacked-bar.tsx";
import type { Tone } from "../ui/tone.ts";

type Told = Pick<RunSummary, "kind" | "mode" | "state" | "counts" | "undoCounts"> & Partial<Pick<RunSummary, "error">>;
export type Noun = { one: string; many: string };
/** Records that “Try it” reads; its menu offers all. */
export const TRY_AT_MOST = 1_000;

export const records: Noun = { one: "record", many: "records" };

const say = (value: number, noun: Noun) => `${formatNumber(value)} ${value === 1 ? noun.one : noun.many}`;

/**
 * The word for what a run moves, when it is a plain English plural; else “records”.
 * @param side "read": the stream the trigger reads; "written": the sink of the only write step, for an undo
 */
export function nounOf(document: unknown, side: "read" | "written" = "read"): Noun {
  const all = (document as { steps?: unknown } | null)?.steps;
  const kind = side === "read" ? "read" : "write";
  const found = (Array.isArray(all) ? all : []).filter((step) => (step as { kind?: string } | null)?.kind === kind);
  const { stream, sink } = (found[0] ?? {}) as { stream?: unknown; sink?: unknown };
  const name = side === "read" ? stream : found.length === 1 ? sink : undefined;
  return typeof name === "string" ? nounFrom(name) : records;
}

/** What an undo does not change: where the flow goes on. Undefined where it reads nothing by itself. */
export function afterUndo(document: unknown): string | undefined {
  const all = (document as { steps?: unknown } | null)?.steps;
  const trigger = (Array.isArray(all) ? all : []).find((step) => (step as { kind?: string } | null)?.kind === "read") as
    | { sync?: string }
    | undefined;
  if (!trigger) return undefined;
  return (trigger.sync ?? "full") === "full"
    ? "The next run of the flow reads everything and writes these records anew, unless the flow is stopped."
    : "The flow goes on where it stands: it reads these records again only when they change, or in a backfill.";
}

function nounFrom(name: string): Noun {
  const parts = name.split(/[./]/).filter((part) => !/^(csv|json)$/i.test(part));
  const many = parts.at(-1)?.toLowerCase().replaceAll(/[_-]+/g, " ") ?? "";
  if (!/^[a-z][a-z ]*[^s]s$/.test(many)) return records;
  return { one: many.endsWith("ies") ? `${many.slice(0, -3)}y` : many.slice(0, -1), many };
}

/** Records that ended, whatever their outcome. */
export function settled({ kind, counts, undoCounts }: Pick<Told, "kind" | "counts" | "undoCounts">): number {
  if (kind === "undo") return undoCounts.restored + undoCounts.conflict + undoCounts.failed;
  const { read: _read, ...outcomes } = counts;
  return Object.values(outcomes).reduce((sum, value) => sum + value, 0);
}

export const written = ({ created, updated, deleted }: Counts) => created + updated + deleted;

/** A time of the schedule that was left out because a run was still at work. */
export const wasSkipped = ({ state, error }: Pick<RunSummary, "state"> & Partial<Pick<RunSummary, "error">>) =>
  state === "cancelled" && error?.code === "skipped-overlap";

/** The parts of the balance bar, in the order they are read. Their sum is what was read when the balance closes. */
export function balanceSegments({ kind, mode, counts, undoCounts }: Omit<Told, "state">): Segment[] {
  const dry = mode === "dry";
  const would = (done: string, foreseen: string) => (dry ? foreseen : done);
  if (kind === "undo") {
    return [
      { label: would("restored", "would go back"), value: undoCounts.restored, tone: dry ? "dry" : "ok" },
      { label: would("changed since, left", "changed since, would stay"), value: undoCounts.conflict, tone: "warn" },
      { label: would("could not be restored", "could not be restored"), value: undoCounts.failed, tone: "bad" },
    ];
  }
  const tone: Tone = dry ? "dry" : "ok";
  return [
    { label: would("created", "would be created"), value: counts.created, tone },
    { label: would("updated", "would be updated"), value: counts.updated, tone, light: true },
    { label: would("deleted", "would be deleted"), value: counts.deleted, tone, light: true },
    { label: "unchanged", value: counts.unchanged, tone: "idle" },
    { label: would("filtered out", "would be filtered out"), value: counts.filtered, tone: "idle", light: true },
    { label: would("duplicates", "duplicates"), value: counts.duplicate, tone: "idle", light: true },
    { label: would("held", "would be held"), value: counts.held, tone: "warn" },
    { label: would("failed", "would fail"), value: counts.dead, tone: "bad" },
  ];
}

/** “412 orders read. 371 written, 29 unchanged, 12 failed.” and its dry and undo forms. */
export function runSentence(run: Told, noun: Noun = records): string {
  if (run.kind === "undo") return undoSentence(run, noun);
  const { counts, mode, state } = run;
  if (counts.read === 0) {
    if (state === "queued")
      return mode === "dry" ? "The try starts as soon as a worker is free." : "Starts as soon as a worker is free.";
    if (state === "running") return `Looking for ${noun.many}.`;
    if (state === "waiting") return `Waiting; no ${noun.one} has been read yet.`;
    if (wasSkipped(run)) return `Left out: another run was still at work, so no ${noun.one} was read.`;
    if (state === "cancelled") return `Stopped before any ${noun.one} was read.`;
    if (state === "failed") return `Stopped before any ${noun.one} was read.`;
    return run.kind === "replay" ? `No ${noun.one} was replayed.` : `No new ${noun.many}. Nothing to do.`;
  }
  const dry = mode === "dry";
  const parts = [
    dry ? [written(counts), "would be written"] : [written(counts), "written"],
    [counts.unchanged, "unchanged"],
    [counts.filtered, dry ? "would be filtered out" : "filtered out"],
    [counts.duplicate, counts.duplicate === 1 ? "duplicate" : "duplicates"],
    [counts.held, dry ? "would be held" : "held"],
    [counts.dead, dry ? "would fail" : "failed"],
  ] as [number, string][];
  return `${say(counts.read, noun)} ${run.kind === "replay" ? "replayed" : "read"}. ${list(parts)}`;
}

function undoSentence({ mode, state, undoCounts }: Told, noun: Noun): string {
  const dry = mode === "dry";
  if (undoCounts.read === 0) {
    if (state === "queued" || state === "running")
      return dry ? "Comparing with what is there now." : "Putting back what was changed.";
    return "Nothing was left to put back.";
  }
  const { restored, conflict, failed } = undoCounts;
  const parts: [number, string][] = [
    [restored, `${dry ? "would go" : "went"} back to what ${restored === 1 ? "it was" : "they were"}`],
    [conflict, dry ? "changed since would stay" : `changed since, left as ${conflict === 1 ? "it is" : "they are"}`],
    [failed, "could not be restored"],
  ];
  return `${say(undoCounts.read, noun)} ${dry ? "looked at" : "to put back"}. ${list(parts)}`;
}

/** What an undo would do, as a preview found it: “371 invoices go back to what they were; 3 were changed since and stay.” */
export function undoEffect({ restored, conflict, failed }: RunSummary["undoCounts"], noun: Noun = records): string {
  const stay = `${restored === 0 ? say(conflict, noun) : formatNumber(conflict)} ${conflict === 1 ? "was changed since and stays" : "were changed since and stay"}.`;
  const cannot = failed > 0 ? ` ${say(failed, noun)} cannot be put back.` : "";
  if (restored === 0) return `Nothing can go back.${conflict > 0 ? ` ${stay}` : ""}${cannot}`;
  const goes = `${say(restored, noun)} ${restored === 1 ? "goes back to what it was" : "go back to what they were"}`;
  return `${goes}${conflict > 0 ? `; ${stay}` : "."}${cannot}`;
}

function list(parts: [number, string][]): string {
  const said = parts.filter(([value]) => value > 0).map(([value, words]) => `${formatNumber(value)} ${words}`);
  return said.length === 0 ? "" : `${said.join(", ")}.`;
}

/** The name of a run for titles and links: “Run 118”, “Dry run 119”, “Undo 120 of run 118”, “Undo 121 of all runs since 23 Nov, 14:02”. */
export function runTitle({
  id,
  kind,
  mode,
  parentId,
  since,
}: {
  id: string;
  kind: RunSummary["kind"];
  mode: RunMode;
  parentId?: string | null;
  since?: string | null;
}): string {
  if (kind === "undo") {
    const of = parentId ? ` of run ${parentId}` : since ? ` of all runs since ${shortTime(since)}` : "";
    return `${mode === "dry" ? "Preview of undo" : "Undo"} ${id}${of}`;
  }
  if (kind === "replay") return `Replay ${id}`;
  return mode === "dry" ? `Dry run ${id}` : `Run ${id}`;
}

/**
 * What it means that an undo since a moment covers this run, where that is not plain; undefined where it is.
 * @param covered ids of the runs it covers
 */
export function coveredWords(
  { kind, parentId, since }: Pick<RunSummary, "kind" | "parentId" | "since">,
  covered: ReadonlySet<string>,
): string | undefined {
  if (kind !== "undo") return undefined;
  if (parentId === null)
    return since === null
      ? undefined
      : "An undo of several runs. It is put back as well: what counts is how each record was at the chosen moment.";
  if (covered.has(parentId)) return `Run ${parentId} is covered too, so what this undo put back stays put back.`;
  return `Run ${parentId} wrote before the chosen moment, and this undo came after it. So it is put back as well: its records become again what run ${parentId} had made of them.`;
}

/** The same for tables, where the kind has to fit a narrow column: “Undo 120”, “Preview 121”. */
export function runShort({ id, kind, mode }: Pick<RunSummary, "id" | "kind" | "mode">): string {
  if (kind === "undo") return `${mode === "dry" ? "Preview" : "Undo"} ${id}`;
  return runTitle({ id, kind, mode });
}

/** How it came about: “by ana@example.com”, “on schedule”, “over the API by deploy”. */
export function triggerWords({ trigger, startedBy }: { trigger: string; startedBy: string }): string {
  if (trigger === "schedule") return "on schedule";
  if (trigger === "changes") return "as records changed";
  if (trigger === "continue") return "as a wait was over or somebody answered";
  if (trigger === "webhook" && startedBy === "webhook") return "by a webhook";
  const way: { [trigger: string]: string } = {
    api: "over the API ",
    webhook: "by a webhook, ",
    event: "by an event, published ",
  };
  return `${way[trigger] ?? ""}by ${startedBy}`;
}

/** Which past range a run reads: “after 2026-03-01 up to 2026-03-31”. Moments are told in the reader's zone. */
export function rangeWords(
  { from, until }: { from?: string | number; until?: string | number },
  zone?: string,
): string {
  const said = (end: string | number) =>
    typeof end === "string" && /^\d{4}-\d\d-\d\dT/.test(end) ? shortTime(end, zone) : String(end);
  // a moment that was given as the first of the range is kept as the millisecond before it (past-range.ts)
  if (typeof from === "string" && from.endsWith(".999Z")) {
    const first = new Date(Date.parse(from) + 1).toISOString();
    return `a past range: from ${said(first)}${until === undefined ? "" : ` up to ${said(until)}`}`;
  }
  const parts = [from === undefined ? "" : `after ${said(from)}`, until === undefined ? "" : `up to ${said(until)}`];
  return `a past range: ${parts.filter(Boolean).join(" ") || "all there is"}`;
}
