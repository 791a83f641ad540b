/**
 * Re-encrypts all credentials with the newest secret key. Put the new key in front (`PLUMBLINE_SECRET_KEY=new,old`),
 * restart every process, run `node server/secrets/rotate.ts`, then drop the old key and restart again.
 */
import { pathToFileURL } from "node:url";
import { closeDatabase, type Db, getDb } from "../db/prisma.ts";
import { decrypt, encrypt, keyIdOf } from "./encrypt.ts";
import { type KeyRing, keyRing } from "./keys.ts";

export type Rotation = { rotated: number; current: number; failed: { connection: string; message: string }[] };

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
    if (keyIdOf(credentials) === keys.current.id) {
      rotation.current += 1;
      continue;
    }
    const place = { workspaceId, connectionId: id };
    try {
      const fresh = encrypt(decrypt(credentials, place, keys), place, keys);
      const { count } = await db.connection.updateMany({ where: { id, credentials }, data: { credentials: fresh } });
      rotation.rotated += count;
    } catch (error) {
      rotation.failed.push({ connection: name, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return rotation;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { rotated, current, failed } = await rotateSecrets(getDb());
  console.log(`${rotated} connections re-encrypted, ${current} had the newest key already.`);
  for (const { connection, message } of failed) console.log(`“${connection}”: ${message}`);
  await closeDatabase();
  if (failed.length > 0) process.exitCode = 1;
}
