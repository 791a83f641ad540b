/**
 * The secret keys of this installation: PLUMBLINE_SECRET_KEY, one or several separated by commas. The first one encrypts,
 * the others still decrypt (rotation). Keys never enter the database; what is stored names the key it needs by a short id.
 */
import { hkdfSync } from "node:crypto";
import { UseCaseError } from "../errors.ts";

export type SecretKey = { id: string; key: Buffer };
export type KeyRing = { current: SecretKey; byId: ReadonlyMap<string, SecretKey>; secret: string };

export const KEY_ID_BYTES = 4;
const shortest = 16;

/** 32 bytes for one purpose, from the secret (HKDF-SHA256, RFC 5869). */
export function derive(secret: string, purpose: string, bytes = 32): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "plumbline", purpose, bytes));
}

/** @throws UseCaseError "secret-key-missing" when there is none or one is too short */
export function parseKeys(text: string | undefined): KeyRing {
  const secrets = (text ?? "").split(",").map((part) => part.trim());
  if (secrets.some((secret) => secret.length < shortest)) {
    throw new UseCaseError(
      `PLUMBLINE_SECRET_KEY must hold a secret of at least ${shortest} characters (or several, newest first, separated by commas). \`npm start\` makes one; every machine on the same database needs the same.`,
      { status: 503, code: "secret-key-missing" },
    );
  }
  const keys = secrets.map((secret) => ({
    id: derive(secret, "key id", KEY_ID_BYTES).toString("hex"),
    key: derive(secret, "credentials"),
  }));
  return { current: keys[0]!, byId: new Map(keys.map((key) => [key.id, key])), secret: secrets[0]! };
}

let ring: { text: string | undefined; keys: KeyRing } | undefined;

/** The key ring of this process's environment. */
export function keyRing(): KeyRing {
  const text = process.env.PLUMBLINE_SECRET_KEY;
  if (!ring || ring.text !== text) ring = { text, keys: parseKeys(text) };
  return ring.keys;
}
