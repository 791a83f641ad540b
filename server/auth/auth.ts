/**
 * Sign-in with e-mail and password by better-auth: sessions in our own tables, cookies that JavaScript cannot read.
 * Accounts are not made here: the first one by server/accounts/create-first-account.ts, all others by invitation.
 */

import { prismaAdapter } from "better-auth/adapters/prisma";
import { betterAuth } from "better-auth/minimal";
import { type Database, getDatabase } from "../db/prisma.ts";
import { newId } from "../ids.ts";
import { log } from "../log.ts";
import { derive, keyRing } from "../secrets/keys.ts";
import { auditAccount } from "./audit-account.ts";
import { MIN_PASSWORD } from "./password.ts";

/** Header in which server/main.ts passes on the address of the client; it overwrites what a client sends. */
export const CLIENT_ADDRESS_HEADER = "x-plumbline-client";

function makeAuth({ db }: Pick<Database, "db">) {
  return betterAuth({
    appName: "Plumbline",
    basePath: "/api/auth",
    database: prismaAdapter(db, { provider: "postgresql" }),
    secret: derive(keyRing().secret, "sessions").toString("hex"),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: MIN_PASSWORD, maxPasswordLength: 256 },
    session: { expiresIn: 30 * 24 * 3600, updateAge: 24 * 3600 },
    rateLimit: {
      enabled: true,
      window: 60,
      max: 300,
      customRules: { "/sign-in/email": { window: 60, max: 20 }, "/change-password": { window: 60, max: 10 } },
    },
    advanced: {
      cookiePrefix: "plumbline",
      disableCSRFCheck: true, // `handleAuth` looks at the origin itself, by the rule tRPC has too
      useSecureCookies: false, // decided per request by `handleAuth`: the same server may be opened by http and by https
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
      database: { generateId: ({ model }) => newId(model === "user" ? "usr" : model.slice(0, 3)) },
    },
    disabledPaths: ["/sign-up/email", "/delete-user", "/change-email", "/update-user"],
    hooks: { after: auditAccount({ db }) },
    telemetry: { enabled: false },
    logger: {
      level: "error",
      log: (level, message) =>
        log[level === "error" ? "error" : level === "warn" ? "warn" : "debug"]({ from: "auth" }, message),
    },
  });
}

export type Auth = ReturnType<typeof makeAuth>;
const made = new WeakMap<object, Auth>();

/** The sign-in of a database (default: this process's). */
export function authFor(database: Pick<Database, "db"> = getDatabase()): Auth {
  const known = made.get(database.db) ?? makeAuth(database);
  made.set(database.db, known);
  return known;
}
