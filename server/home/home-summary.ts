import { ALIVE_WITHIN_SECONDS } from "../api/health.ts";
import { countMine } from "../approvals/list-approvals.ts";
import { outages } from "../connections/guard/outages.ts";
import type { ServerContext } from "../context.ts";
import { listFlows } from "../flows/list-flows.ts";
import { listRuns } from "../runs/list-runs.ts";
import { sampleState } from "../sample/sample-state.ts";
import type { Outage } from "../trpc/contract/connections.ts";
import type { FlowSummary } from "../trpc/contract/flows.ts";
import type { HomeSummary } from "../trpc/contract/home.ts";

const MOST_ATTENTION = 20;

/** What the home page shows: flows with their health, the last runs, and what needs somebody. */
export async function homeSummary(ctx: ServerContext): Promise<HomeSummary> {
  const [flows, lastRuns, connections, approvals, today, workersAlive, sample] = await Promise.all([
    listFlows(ctx),
    listRuns(ctx, { limit: 10 }),
    brokenConnections(ctx),
    waitingApprovals(ctx),
    todaysFigures(ctx),
    countWorkers(ctx),
    sampleState(ctx),
  ]);
  const ofFlows = flows
    .toSorted((one, other) => urgency(one) - urgency(other) || byNumber.compare(one.name, other.name))
    .flatMap(attentionOf);
  const all = [...connections, ...approvals, ...ofFlows];
  const attention = all.slice(0, MOST_ATTENTION);
  const attentionLeftOut = all.length - attention.length;
  return { flows, lastRuns: lastRuns.items, attention, attentionLeftOut, today, workersAlive, sample };
}

/** Flows that stopped themselves come first, those that a person stopped last. */
const urgency = ({ stoppedItself, health }: FlowSummary) => (stoppedItself ? 0 : health === "paused" ? 2 : 1);

/** “Depot 9” before “Depot 10”. */
const byNumber = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

type Attention = HomeSummary["attention"][number];

function attentionOf({ id, name, lastRun, openLetters, healthText, health, stoppedItself }: FlowSummary): Attention[] {
  const items: Attention[] = [];
  if (lastRun?.state === "failed" && health === "attention")
    items.push({ kind: "run", title: `A run of “${name}” failed`, detail: healthText, href: `/runs/${lastRun.id}` });
  // what waits for a system that is down stands with that system
  if (lastRun?.state === "waiting" && health === "waiting" && lastRun.waiting?.connectionId === undefined)
    items.push({ kind: "run", title: `A run of “${name}” waits`, detail: healthText, href: `/runs/${lastRun.id}` });
  if (openLetters > 0)
    items.push({
      kind: "letters",
      title: `Failed records in “${name}”`,
      detail: "Look at them, correct and replay, or dismiss them.",
      href: `/failed?flow=${encodeURIComponent(id)}`,
      count: openLetters,
    });
  const href = `/flows/${encodeURIComponent(id)}`;
  // what stopped by itself needs somebody first; what a person stopped is known to somebody
  if (stoppedItself) items.unshift({ kind: "flow", title: `“${name}” has stopped itself`, detail: healthText, href });
  else if (health === "paused") items.push({ kind: "flow", title: `“${name}” is stopped`, detail: healthText, href });
  return items;
}

async function waitingApprovals(ctx: ServerContext): Promise<Attention[]> {
  const { count } = await countMine(ctx);
  if (count === 0) return [];
  const title = count === 1 ? "A record waits for your yes or no" : "Records wait for your yes or no";
  return [{ kind: "approvals", title, detail: "They go on as soon as you answer.", href: "/approvals", count }];
}

async function brokenConnections({ pool, workspaceId }: ServerContext): Promise<Attention[]> {
  const down = await outages(pool, workspaceId);
  const { rows } = await pool.query<{ id: string; name: string; state: string; message: string | null }>(
    `SELECT id, name, state, state_message AS message FROM connection
     WHERE workspace_id = $1 AND state IN ('refused', 'unreachable') ORDER BY name`,
    [workspaceId],
  );
  return rows.map(({ id, name, state, message }) => ({
    kind: "connection",
    ...(down.has(id) ? { outage: down.get(id) as Outage } : {}),
    title: state === "refused" ? `“${name}” refuses the stored credentials` : `“${name}” does not answer`,
    detail: message?.replace(`“${name}”: `, "") ?? "Open the connection and check it.",
    href: "/connections",
  }));
}

/** Live runs of the last 24 hours. */
async function todaysFigures({ pool, workspaceId }: ServerContext): Promise<HomeSummary["today"]> {
  const { rows } = await pool.query<HomeSummary["today"]>(
    `SELECT count(*)::float8 AS runs, coalesce(sum(created + updated + deleted), 0)::float8 AS written,
       coalesce(sum(dead), 0)::float8 AS failed
     FROM run WHERE workspace_id = $1 AND mode = 'live' AND kind <> 'undo' AND created_at > now() - interval '24 hours'`,
    [workspaceId],
  );
  return rows[0] ?? { runs: 0, written: 0, failed: 0 };
}

async function countWorkers({ pool }: ServerContext): Promise<number> {
  const { rows } = await pool.query<{ alive: number }>(
    `SELECT count(*)::int AS alive FROM process WHERE role = 'worker' AND seen_at > now() - make_interval(secs => $1)`,
    [ALIVE_WITHIN_SECONDS],
  );
  return rows[0]?.alive ?? 0;
}
