import { createHash } from "node:crypto";
import type { Track } from "../../connectors/sdk/suspects.ts";
import type { Connector } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import type { Connection } from "../db/generated/client.ts";
import { NotFound, UseCaseError } from "../errors.ts";
import { decrypt, encrypt } from "../secrets/encrypt.ts";
import { redact, secretTexts } from "../secrets/redact.ts";
import { getConnector, secretPart } from "./connector-info.ts";
import { splitLimits } from "./guard/limits.ts";
import { paceOf } from "./guard/shared-pace.ts";

/** The row of a connection of this workspace, by id or by name. */
export async function findConnection({ db, workspaceId }: ServerContext, ref: string): Promise<Connection> {
  const found = await db.connection.findMany({ where: { workspaceId, OR: [{ id: ref }, { name: ref }] } });
  const row = found.find(({ id }) => id === ref) ?? found[0];
  if (!row) throw new NotFound("connection", ref);
  return row;
}

export function sealCredentials(workspaceId: string, connectionId: string, credentials: unknown) {
  return encrypt(JSON.stringify(credentials ?? {}), { workspaceId, connectionId });
}

/** The credentials of a connection, decrypted; `{}` when it has none. They leave the server only towards their system. */
export function openCredentials({ id, workspaceId, name, credentials }: Connection): unknown {
  if (!credentials) return {};
  try {
    return JSON.parse(decrypt(credentials, { workspaceId, connectionId: id }));
  } catch (error) {
    if (!(error instanceof UseCaseError)) throw error;
    const { status, code, details } = error;
    throw new UseCaseError(`Connection “${name}”: ${error.message}`, { status, code, details, cause: error });
  }
}

/** Removes this connection's secrets from a text. */
export function redactFor(connector: Connector, credentials: unknown, text: string): string {
  return redact(text, secretTexts(secretPart(connector, credentials)));
}

/** Changes whenever what a session is opened with changes; the state of the last check is no part of it. */
export function contentKey({ id, name, connector, settings, credentials }: Connection): string {
  const hash = createHash("sha256").update(JSON.stringify([id, name, connector, settings]));
  return hash.update(credentials ?? "").digest("base64url");
}

const shared = globalThis as typeof globalThis & { plumblineTracks?: Map<string, { key: string; track: Track }> };

/** What this process saw the connection's system take, with the settings and credentials it has now. */
function trackOf(row: Connection): Track {
  shared.plumblineTracks ??= new Map();
  const key = contentKey(row);
  let known = shared.plumblineTracks.get(row.id);
  if (known?.key !== key) {
    known = { key, track: new Map() };
    shared.plumblineTracks.set(row.id, known);
  }
  return known.track;
}

/** What `Connector.open` takes, for one row. */
export function openOptions(row: Connection) {
  const connector = getConnector(row.connector);
  const credentials = openCredentials(row);
  const dataDir = process.env.PLUMBLINE_DATA_DIR;
  const options = {
    name: row.name,
    settings: splitLimits(row.settings).own,
    credentials,
    allowPrivateNetwork: process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK === "true",
    ...(dataDir ? { dataDir } : {}),
    ...(connector.paced ? { pace: paceOf(row) } : {}),
    track: trackOf(row),
  };
  return { connector, credentials, options };
}
