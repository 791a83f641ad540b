import type { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { storableText } from "../db/storable.ts";
import { notify } from "../live/notify.ts";
import { chooseLetters, LetterChoice } from "./choose-letters.ts";

export const Note = storableText(2_000).trim().min(1, "say in a word why these need nothing more");
export const DismissLetters = LetterChoice.extend({ note: Note });
export type DismissLetters = z.output<typeof DismissLetters>;

/**
 * Closes open dead letters that need nothing more, with a note that says why.
 *
 * @throws NotFound, Conflict, Invalid as `chooseLetters`
 */
export async function dismissLetters(
  ctx: ServerContext,
  { ids, groupId, note }: DismissLetters,
): Promise<{ dismissed: number }> {
  return ctx.db.$transaction(async (tx) => {
    const letters = await chooseLetters(tx, ctx, { ids, groupId });
    const chosen = letters.map(({ id }) => id);
    const dismissed = await tx.$executeRaw`
      UPDATE dead_letter SET state = 'dismissed', note = ${note}, closed_at = now(), closed_by = ${ctx.actor.name}
      WHERE id = ANY(${chosen}) AND workspace_id = ${ctx.workspaceId} AND state = 'open'`;
    const detail = { letters: dismissed, note, ...(groupId === undefined ? { ids: chosen.slice(0, 100) } : {}) };
    await audit(tx, ctx, "letters.dismiss", groupId ?? chosen[0] ?? null, detail);
    for (const flowId of new Set(letters.map((letter) => letter.flowId)))
      await notify(tx, ctx.workspaceId, { type: "letters", flowId });
    return { dismissed };
  });
}
