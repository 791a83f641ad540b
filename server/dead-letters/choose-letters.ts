import { z } from "zod";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { AnyId } from "../db/storable.ts";
import { Conflict, Invalid, NotFound, UseCaseError } from "../errors.ts";

/** Letters named one by one, or all open ones of a group. */
export const LetterChoice = z.object({
  ids: z.array(AnyId.min(1)).min(1).max(10_000).optional(),
  groupId: AnyId.min(1).optional(),
});
export type LetterChoice = z.output<typeof LetterChoice>;

export type ChosenLetter = { id: string; flowId: string; version: number | null; stepId: string; state: string };

/**
 * The open letters that are meant, locked for the transaction: of two people who take the same letter one finds it
 * taken.
 *
 * @throws Invalid neither ids nor a group, or both
 * @throws NotFound unknown ids (`letters-not-found`, named) or group
 * @throws Conflict `letters-not-open`: some are being replayed or are closed; they are named
 */
export async function chooseLetters(
  tx: Tx,
  { workspaceId }: ServerContext,
  { ids, groupId }: LetterChoice,
): Promise<ChosenLetter[]> {
  if ((ids === undefined) === (groupId === undefined))
    throw new Invalid("Expected either “ids” or “group” to say which dead letters are meant.", [
      { path: "ids", message: "give ids, or a group, not both" },
    ]);
  if (groupId !== undefined) return openOfGroup(tx, workspaceId, groupId);
  const wanted = [...new Set(ids)];
  const found = await tx.$queryRaw<ChosenLetter[]>`
    SELECT id, flow_id AS "flowId", version, step_id AS "stepId", state FROM dead_letter
    WHERE workspace_id = ${workspaceId} AND id = ANY(${wanted}) ORDER BY id FOR UPDATE`;
  const known = new Set(found.map(({ id }) => id));
  const unknown = wanted.filter((id) => !known.has(id));
  if (unknown.length > 0)
    throw new UseCaseError(`There is no dead letter ${named(unknown)} in this workspace.`, {
      status: 404,
      code: "letters-not-found",
      details: { ids: unknown.slice(0, 100) },
    });
  const taken = found.filter(({ state }) => state !== "open");
  if (taken.length > 0)
    throw new Conflict(
      "letters-not-open",
      `Expected open dead letters, found ${taken
        .slice(0, 5)
        .map(({ id, state }) => `${id} (${state})`)
        .join(", ")}${taken.length > 5 ? ` and ${taken.length - 5} more` : ""}. Reload the list and choose again.`,
      { ids: taken.slice(0, 100).map(({ id }) => id), states: taken.slice(0, 100).map(({ state }) => state) },
    );
  return found;
}

async function openOfGroup(tx: Tx, workspaceId: string, groupId: string): Promise<ChosenLetter[]> {
  const open = await tx.$queryRaw<ChosenLetter[]>`
    SELECT id, flow_id AS "flowId", version, step_id AS "stepId", state FROM dead_letter
    WHERE workspace_id = ${workspaceId} AND group_id = ${groupId} AND state = 'open' ORDER BY id FOR UPDATE`;
  if (open.length > 0) return open;
  const [known] = await tx.$queryRaw<{ state: string }[]>`
    SELECT state FROM dead_letter WHERE workspace_id = ${workspaceId} AND group_id = ${groupId} LIMIT 1`;
  if (known === undefined) throw new NotFound("group of dead letters", groupId);
  throw new Conflict(
    "letters-not-open",
    "None of this group's dead letters is open any more: they are being replayed or were closed.",
    { group: groupId },
  );
}

function named(ids: string[]): string {
  const shown = ids.slice(0, 5).map((id) => `"${id.slice(0, 60)}"`);
  return `${shown.join(", ")}${ids.length > shown.length ? ` and ${ids.length - shown.length} more` : ""}`;
}
