import { z } from "zod";
import { isAnsweringRole, whoInWords } from "../../engine/steps/approve/who.ts";
import type { Question } from "../../engine/steps/define-step.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { storableText } from "../db/storable.ts";
import { Conflict, Forbidden, NotFound } from "../errors.ts";
import { notify } from "../live/notify.ts";
import { mayAs } from "../roles.ts";

export const Answer = z.object({
  decision: z.enum(["yes", "no"]),
  note: storableText(2_000).trim().optional().describe("Why; shown with the decision"),
});
export const AnswerApprovals = Answer.extend({
  ids: z
    .array(z.string().regex(/^\d{1,18}$/))
    .min(1)
    .max(1_000),
});
export type AnswerApprovals = z.output<typeof AnswerApprovals>;

/** The people and roles the step names, and always admins; where it names nobody, operators. */
export function mayAnswer({ actor }: Pick<ServerContext, "actor">, { who }: Question): boolean {
  if (who === undefined) return mayAs(actor.role, "operator");
  // a token may bear any name: it answers by its role only
  const named = (one: string) => actor.kind === "person" && one.toLowerCase() === actor.name.toLowerCase();
  return mayAs(actor.role, "admin") || who.some((one) => (isAnsweringRole(one) ? mayAs(actor.role, one) : named(one)));
}

/**
 * Says yes or no to records that wait for it; each goes on by that port within about a second. All of them or, when one was
 * answered meanwhile, none.
 *
 * @throws NotFound, Conflict `already-answered`, Forbidden
 */
export async function answerApprovals(
  ctx: ServerContext,
  { ids, decision, note }: AnswerApprovals,
): Promise<{ answered: number }> {
  const { workspaceId, actor } = ctx;
  return await ctx.db.$transaction(async (tx) => {
    const found = await tx.$queryRaw<{ id: bigint; state: string; ask: Question; by: string | null; flow: string }[]>`
      SELECT id, state, ask, decided_by AS by, flow_id AS flow FROM held_part
      WHERE workspace_id = ${workspaceId} AND kind = 'approve' AND id = ANY(${ids.map(BigInt)}) ORDER BY id FOR UPDATE`;
    const known = new Set(found.map(({ id }) => id.toString()));
    const missing = ids.find((id) => !known.has(id));
    if (missing !== undefined) throw new NotFound("approval", missing);
    for (const { ask, state, by } of found) {
      if (!mayAnswer(ctx, ask)) throw new Forbidden("operator", actor.role, refusal(ask));
      if (state !== "open")
        throw new Conflict(
          "already-answered",
          `This was answered meanwhile${by === null ? "" : ` by ${by}`}. Look again.`,
        );
    }
    const answered = await tx.$executeRaw`
      UPDATE held_part SET state = 'decided', port = ${decision}, decided_at = now(), decided_by = ${actor.name}, note = ${note ?? null}
      WHERE id = ANY(${found.map(({ id }) => id)})`;
    for (const { id, flow } of found) await audit(tx, ctx, "approval.answer", id.toString(), { decision, note, flow });
    for (const flowId of new Set(found.map(({ flow }) => flow)))
      await notify(tx, workspaceId, { type: "approvals", flowId });
    return { answered };
  });
}

function refusal({ who }: Question): string | undefined {
  return who && `Only ${whoInWords(who)} and admins may answer this.`;
}
