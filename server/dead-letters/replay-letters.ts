import { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { refuseUnstorable } from "../db/storable.ts";
import { Conflict, UseCaseError } from "../errors.ts";
import { type LockedFlow, lockFlow } from "../flows/lock-flow.ts";
import { notify } from "../live/notify.ts";
import { insertRun } from "../runs/insert-run.ts";
import { type ChosenLetter, chooseLetters, LetterChoice } from "./choose-letters.ts";

export const ReplayOptions = z.object({
  patch: z
    .record(z.string().min(1), z.json())
    .optional()
    .describe(
      "Fields laid over each record: over the one that entered the failed step, or with from: start over the one that was read. A name such as customer.email is the field of that very name where there is one, else the path",
    ),
  from: z.enum(["step", "start"]).default("step").describe("Go on from the failed step, or run everything again"),
  version: z.enum(["live", "original"]).default("live").describe("The version that is live now, or the letter's own"),
});
export const ReplayLetters = LetterChoice.extend(ReplayOptions.shape);
export type ReplayLetters = z.output<typeof ReplayLetters>;

/**
 * Gives open dead letters another try: one replay run per flow (and per version with `version: "original"`). The
 * letters leave the open list at once; the run finds them by `replay_run_id`.
 *
 * @returns the first run, and all of them
 * @throws NotFound, Conflict, Invalid as `chooseLetters`
 * @throws Conflict `not-published`, `paused` of a letter's flow
 * @throws UseCaseError `step-gone`: the version to replay with no longer has the failed step
 */
export async function replayLetters(
  ctx: ServerContext,
  { ids, groupId, patch, from, version }: ReplayLetters,
): Promise<{ id: string; runs: string[] }> {
  refuseUnstorable(patch, "The patch");
  return ctx.db.$transaction(
    async (tx) => {
      const letters = await chooseLetters(tx, ctx, { ids, groupId });
      const request = { from, version, ...(patch === undefined ? {} : { patch }) };
      const runs: string[] = [];
      for (const [flowId, ofFlow] of Map.groupBy(letters, (letter) => letter.flowId)) {
        const flow = await lockFlow(tx, ctx, flowId, "share");
        if (flow.paused) throw new Conflict("paused", `“${flow.name}” is stopped. Resume it, then replay.`);
        for (const [number, batch] of Map.groupBy(ofFlow, (letter) => versionFor(flow, letter, version))) {
          if (from === "step") await refuseGoneSteps(tx, flow, number, batch);
          const id = await insertRun(tx, ctx, { flowId, version: number, kind: "replay", mode: "live", request });
          await tx.$executeRaw`
            UPDATE dead_letter SET state = 'replaying', replay_run_id = ${BigInt(id)}
            WHERE id = ANY(${batch.map((letter) => letter.id)}) AND workspace_id = ${ctx.workspaceId}`;
          runs.push(id);
        }
        await notify(tx, ctx.workspaceId, { type: "letters", flowId });
      }
      const detail = { runs, letters: letters.length, from, version, fields: Object.keys(patch ?? {}) };
      await audit(tx, ctx, "letters.replay", groupId ?? letters[0]?.id ?? null, detail);
      return { id: runs[0] as string, runs };
    },
    { timeout: 60_000 }, // a group may hold a hundred thousand letters
  );
}

function versionFor(flow: LockedFlow, letter: ChosenLetter, version: "live" | "original"): number {
  const number = version === "original" ? (letter.version ?? flow.liveVersion) : flow.liveVersion;
  if (number === null)
    throw new Conflict("not-published", `“${flow.name}” has no published version. Publish it, then replay.`);
  return number;
}

async function refuseGoneSteps(tx: Tx, flow: LockedFlow, version: number, letters: ChosenLetter[]): Promise<void> {
  const rows = await tx.$queryRaw<{ id: string | null }[]>`
    SELECT jsonb_path_query(document, '$.steps[*].id') #>> '{}' AS id FROM flow_version
    WHERE flow_id = ${flow.id} AND version = ${version}`;
  const steps = new Set(rows.map(({ id }) => id));
  const gone = [...new Set(letters.map(({ stepId }) => stepId))].filter((id) => !steps.has(id));
  if (gone.length > 0)
    throw new UseCaseError(
      `Version ${version} of “${flow.name}” no longer has the step “${gone.join("”, “")}” where these records failed. Replay them from the start, or with their original version.`,
      { status: 422, code: "step-gone", details: { flow: flow.id, version, steps: gone } },
    );
}
