/**
 * Credentials at rest: AES-256-GCM (NIST SP 800-38D), a fresh 96-bit nonce each time. Stored as
 * version (1 byte) · key id (4) · nonce (12) · tag (16) · ciphertext. `place` (workspace and connection) is authenticated
 * too, so that a value copied to another row does not decrypt there.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { UseCaseError } from "../errors.ts";
import { KEY_ID_BYTES, type KeyRing, keyRing } from "./keys.ts";

const version = 1;
const nonceAt = 1 + KEY_ID_BYTES;
const tagAt = nonceAt + 12;
const textAt = tagAt + 16;

/** Where a secret belongs; it decrypts nowhere else. */
export type SecretPlace = { workspaceId: string; connectionId: string };
const associated = ({ workspaceId, connectionId }: SecretPlace) => Buffer.from(`${workspaceId}\n${connectionId}`);

export function encrypt(plain: string, place: SecretPlace, { current }: KeyRing = keyRing()): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", current.key, nonce).setAAD(associated(place));
  const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  const head = Buffer.concat([Buffer.of(version), Buffer.from(current.id, "hex"), nonce, cipher.getAuthTag()]);
  return new Uint8Array(Buffer.concat([head, text]));
}

/** The id of the key a stored secret needs. */
export const keyIdOf = (stored: Uint8Array) => Buffer.from(stored).subarray(1, nonceAt).toString("hex");

/**
 * @throws UseCaseError "secret-key-unknown" when none of our keys made it; "secret-damaged" when it was altered or belongs
 *   to another place
 */
export function decrypt(stored: Uint8Array, place: SecretPlace, { byId }: KeyRing = keyRing()): string {
  const bytes = Buffer.from(stored);
  if (bytes.length < textAt || bytes[0] !== version) throw damaged();
  const key = byId.get(keyIdOf(bytes));
  if (!key) throw unknownKey(keyIdOf(bytes), [...byId.keys()]);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key.key, bytes.subarray(nonceAt, tagAt))
      .setAAD(associated(place))
      .setAuthTag(bytes.subarray(tagAt, textAt));
    return Buffer.concat([decipher.update(bytes.subarray(textAt)), decipher.final()]).toString("utf8");
  } catch (cause) {
    throw damaged(cause);
  }
}

function unknownKey(needed: string, ours: string[]): UseCaseError {
  return new UseCaseError(
    `These credentials were encrypted with a secret key that is not here (id ${needed}; PLUMBLINE_SECRET_KEY holds ${ours.join(", ")}). Start with that key again (several are separated by commas), or enter the credentials anew under Connections.`,
    { status: 503, code: "secret-key-unknown", details: { needed, ours } },
  );
}

function damaged(cause?: unknown): UseCaseError {
  return new UseCaseError(
    "The stored credentials are damaged or belong to another connection. Enter them anew under Connections.",
    { status: 422, code: "secret-damaged", cause },
  );
}
