import { z } from "zod";
import { version } from "../version.ts";
import { definePublicRoute } from "./route.ts";

/** A worker that has not been seen for longer is not alive. */
export const ALIVE_WITHIN_SECONDS = 15;

const Health = z.object({
  status: z.enum(["ok", "degraded"]).describe("ok = the database answers and at least one worker is alive."),
  version: z.string(),
  database: z.enum(["ok", "unreachable"]),
  workers: z.array(z.object({ id: z.string(), pid: z.number().int(), host: z.string(), seenAt: z.iso.datetime() })),
});

/** Whoever watches us should hear “unreachable” rather than wait. */
const answerWithinMs = 3_000;

async function withinMs<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  work.catch(() => {});
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too late")), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export const healthRoutes = [
  definePublicRoute({
    method: "GET",
    path: "/health",
    summary: "Is it alive?",
    response: Health,
    async handle({ pool }): Promise<z.infer<typeof Health>> {
      try {
        const { rows } = await withinMs(
          answerWithinMs,
          pool.query<{ id: string; pid: number; host: string; seen_at: Date }>(
            `select id, pid, host, seen_at from process
           where role = 'worker' and seen_at > now() - make_interval(secs => $1) order by started_at, id`,
            [ALIVE_WITHIN_SECONDS],
          ),
        );
        const workers = rows.map(({ id, pid, host, seen_at }) => ({ id, pid, host, seenAt: seen_at.toISOString() }));
        return { status: workers.length > 0 ? "ok" : "degraded", version, database: "ok", workers };
      } catch {
        return { status: "degraded", version, database: "unreachable", workers: [] };
      }
    },
  }),
];
