import type { ServerContext } from "../context.ts";

export type FlowName = { id: string; name: string };

/**
 * Which flows use which connection, in their draft or their live version.
 *
 * @returns flows by the connection's name
 */
export async function flowsByConnection({
  db,
  workspaceId,
}: Pick<ServerContext, "db" | "workspaceId">): Promise<Map<string, FlowName[]>> {
  const rows = await db.$queryRaw<{ id: string; name: string; connection: string }[]>`
    select distinct f.id, f.name, used.path #>> '{}' as connection
    from flow f
    left join draft d on d.flow_id = f.id
    left join flow_version v on v.flow_id = f.id and v.version = f.live_version
    cross join lateral (
      select jsonb_path_query(d.document, '$.steps[*].connection') as path
      union all select jsonb_path_query(v.document, '$.steps[*].connection')
    ) as used
    where f.workspace_id = ${workspaceId} and f.deleted_at is null
    order by f.name, f.id`;
  const flows = new Map<string, FlowName[]>();
  for (const { id, name, connection } of rows) flows.set(connection, [...(flows.get(connection) ?? []), { id, name }]);
  return flows;
}
