import type { ServerContext } from "../context.ts";
import { spellings } from "../ledger/journey.ts";
import type { SearchHit } from "../trpc/contract/home.ts";

const mostPerKind = 6;

const pages: SearchHit[] = [
  { title: "Home", detail: "Flows, last runs, what needs attention", href: "/" },
  { title: "Flows", detail: "All flows with their health", href: "/flows" },
  { title: "Runs", detail: "All runs", href: "/runs" },
  { title: "Failed", detail: "Records that could not be written", href: "/failed" },
  { title: "Approvals", detail: "Records that wait for a yes or no", href: "/approvals" },
  { title: "Connections", detail: "Systems flows read and write", href: "/connections" },
  { title: "Settings", detail: "People, roles, API tokens, audit log", href: "/settings" },
].map((page) => ({ kind: "page", ...page }));

/** What a person may mean by a text: flows and connections by name, a run by number, a record by its exact key, a page. */
export async function searchAll(ctx: ServerContext, { text }: { text: string }): Promise<SearchHit[]> {
  const wanted = text.trim();
  if (wanted === "") return [];
  const found = await Promise.all([
    searchFlows(ctx, wanted),
    searchConnections(ctx, wanted),
    searchRuns(ctx, wanted),
    searchRecords(ctx, wanted),
  ]);
  const asTitle = pages.filter(({ title }) => title.toLowerCase().includes(wanted.toLowerCase()));
  return [...found.flat(), ...asTitle];
}

async function searchFlows({ db, workspaceId }: ServerContext, text: string): Promise<SearchHit[]> {
  const rows = await db.flow.findMany({
    where: { workspaceId, deletedAt: null, name: { contains: text, mode: "insensitive" } },
    orderBy: { updatedAt: "desc" },
    take: mostPerKind,
  });
  return rows.map(({ id, name, liveVersion, paused }) => ({
    kind: "flow",
    title: name,
    detail: liveVersion === null ? "Draft" : paused ? `Paused, version ${liveVersion}` : `Live, version ${liveVersion}`,
    href: `/flows/${id}`,
  }));
}

async function searchConnections({ db, workspaceId }: ServerContext, text: string): Promise<SearchHit[]> {
  const rows = await db.connection.findMany({
    where: { workspaceId, name: { contains: text, mode: "insensitive" } },
    orderBy: { name: "asc" },
    take: mostPerKind,
  });
  return rows.map(({ id, name, connector }) => ({
    kind: "connection",
    title: name,
    detail: connector,
    href: `/connections?connection=${encodeURIComponent(id)}`,
  }));
}

/** “118”, “#118” or “run 118”. */
async function searchRuns({ db, workspaceId }: ServerContext, text: string): Promise<SearchHit[]> {
  const number = /^(?:run\s*)?#?\s*(\d{1,18})$/i.exec(text)?.[1];
  if (number === undefined) return [];
  const run = await db.run.findFirst({ where: { id: BigInt(number), workspaceId } });
  if (!run) return [];
  const flow = await db.flow.findFirst({ where: { id: run.flowId, workspaceId }, select: { name: true } });
  const detail = `${flow?.name ?? "A removed flow"}, ${run.state.replaceAll("_", " ")}`;
  return [{ kind: "run", title: `Run ${number}`, detail, href: `/runs/${number}` }];
}

async function searchRecords({ db, workspaceId }: ServerContext, text: string): Promise<SearchHit[]> {
  const keys = spellings(text);
  const [row] = await db.$queryRaw<{ changes: number; letters: number }[]>`
    select
      (select count(*)::int from (select 1 from change where workspace_id = ${workspaceId} and record_key = ANY (${keys})
        union all select 1 from change where workspace_id = ${workspaceId} and source_key = ANY (${keys}) and source_key <> record_key
        limit 100) as c) as changes,
      (select count(*)::int from (select 1 from dead_letter where workspace_id = ${workspaceId} and key = ANY (${keys})
        and state <> 'foreseen' limit 100) as l) as letters`;
  const { changes = 0, letters = 0 } = row ?? {};
  if (changes + letters === 0) return [];
  const parts = [
    changes > 0 && `${changes >= 100 ? "100 or more" : changes} change${changes === 1 ? "" : "s"}`,
    letters > 0 && `failed ${letters === 1 ? "once" : `${letters} times`}`,
  ].filter(Boolean);
  return [
    {
      kind: "record",
      title: text,
      detail: `Record: ${parts.join(", ")}`,
      href: `/records?key=${encodeURIComponent(text)}`,
    },
  ];
}
