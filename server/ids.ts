import { randomBytes } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32: nothing that reads like something else

/** A new random id, 100 bits: `con_7k2m…`. */
export function newId(prefix: string): string {
  return `${prefix}_${[...randomBytes(20)].map((byte) => alphabet[byte & 31]).join("")}`;
}
