/** Compiled plans, remembered per flow version for as long as its connections look the same. */
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import { compileFlow, type Plan } from "../../engine/flow/compile.ts";
import { readDraft } from "../../engine/flow/read-draft.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import type { RunConnections } from "./run-connections.ts";

const FRESH_MS = 2_000;
const MOST = 500;
const plans = new Map<string, { plan: Plan; until: number }>();

/**
 * The plan of a published version, or of a draft's document, which may have problems: it is planned up to the step that
 * has one.
 *
 * @throws IntegrationError of kind settings when the flow cannot be run as it is
 */
export async function planFor(
  run: { flowId: string; version: number | null; document(): unknown },
  connections: RunConnections,
): Promise<Plan> {
  const key = `${run.flowId}@${run.version}`;
  const known = run.version === null ? undefined : plans.get(key);
  if (known && known.until > Date.now()) {
    connections.expect(connectionNames(known.plan.flow));
    return known.plan;
  }
  const draft = readDraft(await run.document());
  const tolerant = run.version === null;
  const broken = draft.broken.map(({ id }) => id);
  const compiled = async (doubt: boolean) => {
    const world = await connections.world(connectionNames(draft.flow), { doubt });
    return compileFlow(draft.flow, world, { tolerant, broken });
  };
  // a dry run is there to be believed, so it goes by what its systems look like now
  let { plan, problems } = await compiled(tolerant);
  if (problems.length > 0 && !tolerant) ({ plan, problems } = await compiled(true));
  const first = [...draft.problems, ...problems][0];
  if (!plan || (!tolerant && draft.problems.length > 0)) {
    const place = first ? `${first.message} ${first.remedy}` : "The flow has no steps that can run.";
    throw new IntegrationError(place, { kind: "settings", code: "flow-has-problems" });
  }
  if (run.version !== null) {
    if (plans.size >= MOST) plans.clear();
    plans.set(key, { plan, until: Date.now() + FRESH_MS });
  }
  return plan;
}

export function connectionNames(flow: Flow): Set<string> {
  const names = new Set<string>();
  for (const step of flow.steps)
    if ("connection" in step && typeof step.connection === "string") names.add(step.connection);
  return names;
}
