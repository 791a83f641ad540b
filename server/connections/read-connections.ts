import { connectorById } from "../../connectors/registry.ts";
import type { JsonRecord, SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import type { Connection } from "../db/generated/client.ts";
import { NotFound } from "../errors.ts";
import type { ConnectionDetail, ConnectionState, ConnectionSummary, Outage } from "../trpc/contract/connections.ts";
import { type Asking, discover } from "./discover.ts";
import { outages } from "./guard/outages.ts";
import { within } from "./limit.ts";
import { withSession } from "./open-connection.ts";
import { findConnection, openCredentials } from "./stored-connection.ts";
import { type FlowName, flowsByConnection } from "./used-by.ts";

const browseLimitMs = 20_000;

function summary(row: Connection, usedBy: FlowName[], outage: Outage | undefined): ConnectionSummary {
  const { id, name, connector, state, stateMessage, checkedAt } = row;
  return {
    id,
    name,
    connector,
    connectorTitle: connectorById(connector)?.title ?? connector,
    state: state as ConnectionState,
    stateMessage,
    checkedAt: checkedAt?.toISOString() ?? null,
    usedBy,
    outage: outage ?? null,
  };
}

export async function listConnections(ctx: ServerContext): Promise<ConnectionSummary[]> {
  const { db, pool, workspaceId } = ctx;
  const [rows, flows, down] = await Promise.all([
    db.connection.findMany({ where: { workspaceId }, orderBy: { name: "asc" } }),
    flowsByConnection(ctx),
    outages(pool, workspaceId),
  ]);
  return rows.map((row) => summary(row, flows.get(row.name) ?? [], down.get(row.id)));
}

/** One connection with its settings. Credentials stay here; `credentialsSet` names those that are filled in. */
export async function getConnection(ctx: ServerContext, { id }: { id: string }): Promise<ConnectionDetail> {
  const row = await findConnection(ctx, id);
  const [flows, down] = await Promise.all([flowsByConnection(ctx), outages(ctx.pool, ctx.workspaceId)]);
  return {
    ...summary(row, flows.get(row.name) ?? [], down.get(row.id)),
    settings: row.settings,
    credentialsSet: namesSet(row),
  };
}

function namesSet(row: Connection): string[] {
  let credentials: unknown;
  try {
    credentials = openCredentials(row);
  } catch {
    return []; // the key is gone: the form asks for all of them again
  }
  if (typeof credentials !== "object" || credentials === null) return [];
  return Object.entries(credentials)
    .filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .map(([name]) => name);
}

type Ref = { id: string } & Asking;

/** @throws IntegrationError when the system cannot be asked */
export async function listStreams(ctx: ServerContext, { id, ...asking }: Ref): Promise<StreamInfo[]> {
  return (await discover(await findConnection(ctx, id), asking)).streams;
}

/** @throws IntegrationError when the system cannot be asked */
export async function listSinks(ctx: ServerContext, { id, ...asking }: Ref): Promise<SinkInfo[]> {
  return (await discover(await findConnection(ctx, id), asking)).sinks;
}

/** All that can be read from a connection and written to it, with one question to its system. @throws IntegrationError when it cannot be asked */
export async function listOffers(
  ctx: ServerContext,
  { id, ...asking }: Ref,
): Promise<{ streams: StreamInfo[]; sinks: SinkInfo[] }> {
  return discover(await findConnection(ctx, id), asking);
}

/** The first records of a stream, as they are now. */
export async function browseStream(
  ctx: ServerContext,
  { id, stream, limit = 50 }: { id: string; stream: string; limit?: number | undefined },
): Promise<{ records: JsonRecord[] }> {
  return withSession(ctx, id, (session, { name }) =>
    within(name, browseLimitMs, async (signal) => {
      if (!(await listStreams(ctx, { id })).some((known) => known.name === stream))
        throw new NotFound("stream", stream);
      const records: JsonRecord[] = [];
      for await (const page of session.read({ stream, cursor: null, pageSize: limit, limit, signal })) {
        records.push(...page.records);
        if (records.length >= limit) break;
      }
      return { records: records.slice(0, limit) };
    }),
  );
}
