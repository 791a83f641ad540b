/** The log of a run: what happened to it, oldest first, as sentences. Pure. */
import type { RunDetail } from "../server/trpc.ts";
import { count, formatSpan } from "../ui/format.ts";
import { runTitle, triggerWords } from "./run-words.ts";

export type LogLine = { at: string; text: string; tone?: "bad" | "warn"; href?: string };

export function runLog(run: RunDetail): LogLine[] {
  const lines: LogLine[] = [{ at: run.createdAt, text: `Started ${triggerWords(run)}.` }];
  if (run.startedAt) {
    const waited = Date.parse(run.startedAt) - Date.parse(run.createdAt);
    lines.push({
      at: run.startedAt,
      text: waited > 5000 ? `A worker began, after ${formatSpan(waited)} in the queue.` : "A worker began.",
    });
  }
  for (const other of run.related) {
    if (other.id === run.parentId) continue;
    const href = `/runs/${other.id}`;
    if (other.kind === "undo" && other.parentId === run.id) {
      lines.push({
        at: other.createdAt,
        text:
          other.mode === "dry"
            ? `${other.startedBy} looked at what an undo would do.`
            : `${other.startedBy} undid it: ${runTitle(other)}.`,
        href,
      });
    } else if (other.kind === "replay") {
      lines.push({
        at: other.createdAt,
        text: `${other.startedBy} replayed failed records: ${runTitle(other)}.`,
        href,
      });
    }
  }
  if (run.waiting) lines.push({ at: run.startedAt ?? run.createdAt, text: run.waiting.reason, tone: "warn" });
  if (run.finishedAt) lines.push(ending(run, run.finishedAt));
  return lines.sort((a, b) => a.at.localeCompare(b.at));
}

function ending(run: RunDetail, at: string): LogLine {
  const took = run.startedAt ? ` after ${formatSpan(Date.parse(at) - Date.parse(run.startedAt))}` : "";
  if (run.state === "failed")
    return { at, text: `Stopped${took}: ${run.error?.message ?? "the balance did not close."}`, tone: "bad" };
  if (run.state === "cancelled")
    return { at, text: `Cancelled${took}. What was written until then stays.`, tone: "warn" };
  const failed = run.kind === "undo" ? run.undoCounts.failed + run.undoCounts.conflict : run.counts.dead;
  const so = run.mode === "dry" ? "would not be done" : "not done";
  return { at, text: failed > 0 ? `Ended${took}; ${count(failed, "record")} ${so}.` : `Ended${took}.` };
}
