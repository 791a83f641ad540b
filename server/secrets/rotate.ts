/**
 * Re-encrypts all credentials, and the signing secrets of webhooks and subscriptions, with the newest secret key. Put the new key in front (`PLUMBLINE_SECRET_KEY=new,old`),
 * restart every process, run `node server/secrets/rotate.ts`, then drop the old key and restart again.
 */
import { pathToFileURL } from "node:url";
import { closeDatabase, type Db, getDb } from "../db/prisma.ts";
import { decrypt, encrypt, keyIdOf, type SecretPlace } from "./encrypt.ts";
import { type KeyRing, keyRing } from "./keys.ts";

export type Rotation = { rotated: number; current: number; failed: { connection: string; message: string }[] };

type Stored = { name: string; place: SecretPlace; secret: Uint8Array };

/**
 * Safe to run while the product works and to run again: a row that changed in between is left to its new value.
 *
 * @returns how many were re-encrypted, how many already had the newest key, and which cannot be decrypted and why
 */
export async function rotateSecrets(db: Db, keys: KeyRing = keyRing()): Promise<Rotation> {
  const rotation: Rotation = { rotated: 0, current: 0, failed: [] };
  const rows = await db.connection.findMany({
    where: { credentials: { not: null } },
    select: { id: true, workspaceId: true, name: true, credentials: true },
  });
  for (const { id, workspaceId, name, credentials } of rows) {
    if (!credentials) continue;
    const stored = { name, place: { workspaceId, connectionId: id }, secret: credentials };
    await rotateOne(rotation, keys, stored, (fresh) =>
      db.connection.updateMany({ where: { id, credentials }, data: { credentials: fresh } }),
    );
  }
  for (const { flowId, workspaceId, secrets } of await db.flowSecret.findMany()) {
    const stored = { name: `webhook of ${flowId}`, place: { workspaceId, connectionId: flowId }, secret: secrets };
    await rotateOne(rotation, keys, stored, (fresh) =>
      db.flowSecret.updateMany({ where: { flowId, secrets }, data: { secrets: fresh } }),
    );
  }
  const subscriptions = await db.$queryRaw<{ id: string; workspaceId: string; name: string; secret: Uint8Array }[]>`
    SELECT id, workspace_id AS "workspaceId", name, secret FROM topic_subscription`;
  for (const { id, workspaceId, name, secret } of subscriptions) {
    const stored = { name: `subscription “${name}”`, place: { workspaceId, connectionId: id }, secret };
    await rotateOne(rotation, keys, stored, async (fresh) => {
      const count =
        await db.$executeRaw`UPDATE topic_subscription SET secret = ${fresh} WHERE id = ${id} AND secret = ${secret}`;
      return { count };
    });
  }
  return rotation;
}

async function rotateOne(
  rotation: Rotation,
  keys: KeyRing,
  { name, place, secret }: Stored,
  store: (fresh: Uint8Array<ArrayBuffer>) => Promise<{ count: number }>,
): Promise<void> {
  if (keyIdOf(secret) === keys.current.id) {
    rotation.current += 1;
    return;
  }
  try {
    const { count } = await store(encrypt(decrypt(secret, place, keys), place, keys));
    rotation.rotated += count;
  } catch (error) {
    rotation.failed.push({ connection: name, message: error instanceof Error ? error.message : String(error) });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { rotated, current, failed } = await rotateSecrets(getDb());
  console.log(`${rotated} secrets re-encrypted, ${current} had the newest key already.`);
  for (const { connection, message } of failed) console.log(`“${connection}”: ${message}`);
  await closeDatabase();
  if (failed.length > 0) process.exitCode = 1;
}
