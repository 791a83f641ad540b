/** Whether a workspace has its sample company, gets one, or gets none and why: so that no screen promises what is not coming. */
import type { ServerContext } from "../context.ts";
import type { SampleState } from "../trpc/contract/home.ts";

/** `adminUrl`: a server on which its databases are to be made. `why`: for the person; null when nobody wants one. */
type Possible = { possible: true; adminUrl: string } | { possible: false; why: string | null };

/** What the environment of this process says; web and worker have the same. */
export function sampleIsPossible(env: { [name: string]: string | undefined } = process.env): Possible {
  const adminUrl = env.PLUMBLINE_SAMPLE_DATABASE_URL ?? env.DATABASE_URL;
  if (!adminUrl || env.PLUMBLINE_SAMPLE === "none") return { possible: false, why: null };
  if (env.PLUMBLINE_ALLOW_PRIVATE_NETWORK === "true") return { possible: true, adminUrl };
  return {
    possible: false,
    why: "There is no sample company here: its databases would be on a private address, and this server lets no connection go to one (PLUMBLINE_ALLOW_PRIVATE_NETWORK).",
  };
}

/** What a workspace without flows may count on. */
export async function sampleState({ pool, workspaceId }: ServerContext): Promise<SampleState> {
  const { rows } = await pool.query<{ made: boolean; here: boolean; coming: boolean }>(
    `SELECT w.settings->'sample' IS NOT NULL AS made,
       EXISTS (SELECT FROM connection c WHERE c.workspace_id = w.id AND c.id = w.settings->'sample'->>'shop') AS here,
       EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'create-sample-company:' || w.id
         AND j.attempts < j.max_attempts) AS coming
     FROM workspace w WHERE w.id = $1`,
    [workspaceId],
  );
  const [found] = rows;
  if (found?.here) return { state: "here" };
  const ours = sampleIsPossible();
  if (!ours.possible) return { state: "none", why: found?.made ? null : ours.why };
  if (found?.coming) return { state: "coming" };
  if (found?.made) return { state: "none", why: null };
  return {
    state: "none",
    why: "The sample company could not be set up: this server could not create its databases. The log of the worker says why.",
  };
}
