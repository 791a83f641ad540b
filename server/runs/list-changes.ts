import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { NotFound } from "../errors.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";
import type { ChangeItem } from "../trpc/contract/runs.ts";

export const ListChanges = z.object({
  runId: AnyId,
  operation: z.enum(["create", "update", "delete"]).optional(),
  search: storableText(200).optional(),
  /** of an undo: true only what it left or could not put back (`before` is what is there now), false only the rest */
  refused: z.boolean().optional(),
  cursor: NumberCursor.optional(),
  limit: Limit,
});
export type ListChanges = z.output<typeof ListChanges>;

/**
 * What a run changed, oldest first; for a dry run what it would change. Writes that did not land are left out.
 *
 * @param search text that stands in the record's key, before or after
 * @throws NotFound no such run in the workspace
 */
export async function listChanges(
  { pool, workspaceId }: ServerContext,
  { runId, operation, search, refused, cursor, limit }: ListChanges,
): Promise<{ items: ChangeItem[]; next: string | null }> {
  const createdAt = await createdAtOf(pool, workspaceId, runId);
  const { rows } = await pool.query<ChangeRow>(
    // the bound on `at` spares the partitions from before the run
    `SELECT c.id::text AS id, c.record_key AS key, c.step_id AS step, coalesce(k.name, c.connection_id) AS connection,
       c.sink, c.operation, c.before, c.after, c.undo, c.at, c.refusal
     FROM change c LEFT JOIN connection k ON k.id = c.connection_id
     WHERE c.run_id = $1 AND c.workspace_id = $2 AND c.at >= $3::timestamptz - interval '1 hour'
       AND c.state IN ('done', 'unknown', 'foreseen') AND ($4::text IS NULL OR c.operation = $4)
       AND ($5::text IS NULL OR c.record_key ILIKE $5 OR c.before::text ILIKE $5 OR c.after::text ILIKE $5)
       AND ($6::bigint IS NULL OR c.id > $6)
       AND ($7::boolean IS NULL OR (c.state = 'foreseen' AND c.undo IN ('conflict', 'not possible')) = $7)
     ORDER BY c.id LIMIT $8`,
    [
      runId,
      workspaceId,
      createdAt,
      operation ?? null,
      search ? `%${search.replace(/[\\%_]/g, "\\$&")}%` : null,
      cursor ?? null,
      refused ?? null,
      limit + 1,
    ],
  );
  const items = rows.map(toChangeItem);
  return pageOf(items, limit, (change) => change.id);
}

type ChangeRow = Omit<ChangeItem, "at" | "refusal"> & {
  at: Date;
  refusal: { message: string; wrote: JsonRecord | null; fields?: string[] } | null;
};

function toChangeItem({ at, refusal, ...change }: ChangeRow): ChangeItem {
  const item = { ...change, at: at.toISOString() };
  if (refusal === null) return item;
  const { message, wrote, fields = [] } = refusal;
  const part = (name: "wrote" | "now" | "old", record: JsonRecord | null, field: string) =>
    record && field in record ? { [name]: record[field] } : {};
  const told = fields.map((field) => ({
    field,
    ...part("wrote", wrote, field),
    ...part("now", change.before, field),
    ...part("old", change.after, field),
  }));
  return { ...item, refusal: { message, fields: told } };
}

async function createdAtOf(pool: ServerContext["pool"], workspaceId: string, runId: string): Promise<Date> {
  if (!/^\d{1,18}$/.test(runId)) throw new NotFound("run", runId);
  const { rows } = await pool.query<{ createdAt: Date }>(
    `SELECT created_at AS "createdAt" FROM run WHERE id = $1 AND workspace_id = $2`,
    [runId, workspaceId],
  );
  const [row] = rows;
  if (row === undefined) throw new NotFound("run", runId);
  return row.createdAt;
}
