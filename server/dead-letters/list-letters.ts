import { z } from "zod";
import type { ServerContext } from "../context.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { Limit, pageOf } from "../paging.ts";
import type { DeadLetterItem } from "../trpc/contract/runs.ts";
import { LETTER_COLUMNS, LETTER_FROM, type LetterRow, toDeadLetterItem } from "./letter-row.ts";

export const LETTER_STATES = ["open", "replaying", "resolved", "dismissed", "foreseen"] as const;

const PLACE = /^(\d{4}-\d\d-\d\dT[\d:.]+Z)~(.+)$/;

export const ListLetters = z.object({
  flowId: AnyId.optional(),
  groupId: AnyId.optional(),
  runId: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  /** absent: what still needs somebody or is being replayed */
  state: z.enum(LETTER_STATES).optional(),
  search: storableText(200).optional(),
  cursor: z.string().regex(PLACE, 'expected a cursor as the last answer gave it in "next"').optional(),
  limit: Limit,
});
export type ListLetters = z.output<typeof ListLetters>;

/**
 * Dead letters, newest first. Without a state: open and replaying ones; of a run (`runId`): all of them, also those a
 * dry run foresees.
 *
 * @param search text that stands in the key, the reason or the data
 */
export async function listLetters(
  { pool, workspaceId }: ServerContext,
  { flowId, groupId, runId, state, search, cursor, limit }: ListLetters,
): Promise<{ items: DeadLetterItem[]; next: string | null }> {
  const states = state !== undefined ? [state] : runId !== undefined ? [...LETTER_STATES] : ["open", "replaying"];
  const [, at = null, id = null] = cursor?.match(PLACE) ?? [];
  const { rows } = await pool.query<LetterRow>(
    `SELECT ${LETTER_COLUMNS} FROM ${LETTER_FROM}
     WHERE d.workspace_id = $1 AND d.state = ANY($2) AND ($3::text IS NULL OR d.flow_id = $3)
       AND ($4::text IS NULL OR d.group_id = $4) AND ($5::bigint IS NULL OR d.run_id = $5 OR d.replay_run_id = $5
         OR d.id = ANY(ARRAY(SELECT letter_id FROM dead_letter_run WHERE run_id = $5)))
       AND ($6::text IS NULL OR d.key ILIKE $6 OR d.reason ILIKE $6 OR d.data::text ILIKE $6)
       AND ($7::timestamptz IS NULL OR (d.at, d.id) < ($7, $8))
     ORDER BY d.at DESC, d.id DESC LIMIT $9`,
    [
      workspaceId,
      states,
      flowId ?? null,
      groupId ?? null,
      runId ?? null,
      search ? `%${search.replace(/[\\%_]/g, "\\$&")}%` : null,
      at,
      id,
      limit + 1,
    ],
  );
  return pageOf(rows.map(toDeadLetterItem), limit, (letter) => `${letter.at}~${letter.id}`);
}
