import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import { NotFound } from "../errors.ts";
import { journeyOf } from "../ledger/journey.ts";
import type { DeadLetterItem, JourneyItem } from "../trpc/contract/runs.ts";
import { LETTER_COLUMNS, LETTER_FROM, type LetterRow, toDeadLetterItem } from "./letter-row.ts";

export type LetterDetail = DeadLetterItem & { source: JsonRecord; history: JourneyItem[] };

/**
 * A dead letter with the record as the trigger read it and all that happened to that record.
 *
 * @throws NotFound no such letter
 */
export async function getLetter(ctx: ServerContext, id: string): Promise<LetterDetail> {
  const { rows } = await ctx.pool.query<LetterRow & { source: JsonRecord }>(
    `SELECT ${LETTER_COLUMNS}, d.source FROM ${LETTER_FROM} WHERE d.id = $1 AND d.workspace_id = $2`,
    [id, ctx.workspaceId],
  );
  const [row] = rows;
  if (row === undefined) throw new NotFound("dead letter", id);
  const history = row.key === "" ? [] : await journeyOf(ctx, { key: row.key });
  return { ...toDeadLetterItem(row), source: row.source, history };
}
