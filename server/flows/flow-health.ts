import type { FlowHealth, FlowSummary } from "../trpc/contract/flows.ts";
import type { RunSummary } from "../trpc/contract/runs.ts";

type Facts = Pick<FlowSummary, "liveVersion" | "paused" | "openLetters" | "nextRunAt"> & {
  lastRun: RunSummary | null;
  brokenConnection: { name: string; state: string } | null;
  /** why it stopped by itself */
  pausedReason?: string | null;
  /** it follows changes, which are recorded */
  follows?: boolean;
};

/** How a flow does, and in one sentence why. What a person must look at comes before what is merely going on. */
export function healthOf(flow: Facts): { health: FlowHealth; healthText: string } {
  const { liveVersion, paused, openLetters, brokenConnection, lastRun } = flow;
  if (liveVersion === null) return { health: "draft", healthText: "Not published yet." };
  if (paused) {
    const healthText = flow.pausedReason ?? "Stopped by a person; nothing runs until it is resumed.";
    return { health: "paused", healthText };
  }
  const letters =
    openLetters === 0
      ? ""
      : `${records(openLetters)} failed and ${openLetters === 1 ? "waits" : "wait"} for a decision.`;
  if (lastRun?.state === "failed")
    return { health: "attention", healthText: `The last run failed: ${lastRun.error?.message ?? "see its page."}` };
  if (brokenConnection !== null) {
    const { name, state } = brokenConnection;
    const healthText =
      state === "refused"
        ? `“${name}” refuses the stored credentials.`
        : `“${name}” does not answer; runs wait for it.`;
    // what goes on by itself when the system is back only waits; a refusal waits for a person
    return { health: state === "refused" || letters !== "" ? "attention" : "waiting", healthText };
  }
  if (lastRun?.state === "running" || lastRun?.state === "queued")
    return { health: "running", healthText: `${progress(lastRun)}${letters === "" ? "" : ` ${letters}`}` };
  if (lastRun?.state === "waiting") return { health: "waiting", healthText: lastRun.waiting?.reason ?? "A run waits." };
  if (letters !== "") return { health: "attention", healthText: letters };
  return { health: "ok", healthText: okText(flow) };
}

function progress({ state, counts }: RunSummary): string {
  if (state === "queued") return "A run is about to start.";
  return `Running: ${records(counts.read)} read so far.`;
}

function okText({ lastRun, nextRunAt, follows }: Facts): string {
  if (follows && lastRun?.state !== "cancelled")
    return `Live: it waits for the next change. ${lastText(lastRun)}`.trimEnd();
  if (lastRun === null)
    return nextRunAt === null ? "Published, not run yet." : "Published, waiting for its first time.";
  if (lastRun.state === "cancelled") return "The last run was cancelled.";
  if (lastRun.kind === "undo") {
    const { restored } = lastRun.undoCounts;
    return `The last run was an undo: ${records(restored)} went back to what ${restored === 1 ? "it was" : "they were"}.`;
  }
  return lastText(lastRun);
}

function lastText(lastRun: RunSummary | null): string {
  if (lastRun === null || lastRun.kind === "undo") return "";
  const { created, updated, deleted, unchanged, held } = lastRun.counts;
  const written = created + updated + deleted;
  const parked = held > 0 ? ` and holds ${records(held)} back` : "";
  const nothing = unchanged > 0 && held === 0 ? "nothing: all was up to date" : "nothing";
  return `The last run wrote ${written === 0 ? nothing : records(written)}${parked}.`;
}

/** Thousands by a narrow no-break space, as the screens group them. */
function grouped(count: number): string {
  return count.toLocaleString("en-US").replaceAll(",", "\u202f");
}

function records(count: number): string {
  return `${grouped(count)} ${count === 1 ? "record" : "records"}`;
}
