import { hashPassword } from "better-auth/crypto";
import { z } from "zod";
import type { Tx } from "../db/prisma.ts";
import { newId } from "../ids.ts";

export const MIN_PASSWORD = 10;

export const Password = z
  .string()
  .min(MIN_PASSWORD, `a password has at least ${MIN_PASSWORD} characters`)
  .max(256, "a password has at most 256 characters");
export const Email = z.email("enter an e-mail address, like ana@example.com").max(254).toLowerCase();
export const PersonName = z.string().trim().min(1, "enter a name").max(120);

/** The stored form of a password (scrypt). About 80 ms of work: call it before a transaction, not inside. */
export const hash = (password: string): Promise<string> => hashPassword(password);

/** Stores a person who signs in with a password. @returns the user's id */
export async function createUser(
  tx: Tx,
  { name, email, passwordHash }: { name: string; email: string; passwordHash: string },
): Promise<string> {
  const id = newId("usr");
  await tx.user.create({ data: { id, name, email } });
  await tx.account.create({
    data: { id: newId("acc"), userId: id, accountId: id, providerId: "credential", password: passwordHash },
  });
  return id;
}
