import { IntegrationError } from "../connectors/sdk/errors.ts";
import { isUseCaseError, UseCaseError } from "./errors.ts";

// The failure of a connection, told apart by its shape too: Next bundles its own copy of the class.
function isIntegrationError(error: unknown): error is IntegrationError {
  return error instanceof IntegrationError || (error instanceof Error && error.name === "IntegrationError");
}

/** What to say when our own database answers but takes nothing, by PostgreSQL's code. */
const databaseStuck: { [code: string]: string } = {
  "53100": "The disk of Plumbline's own database is full, so nothing was stored. Free space there, then try again.",
  "25006":
    "Plumbline's own database takes no writes just now (a standby, or set to read-only), so nothing was stored. Try again once it does.",
};

/** PostgreSQL's own codes (class 08, 57P), Node's, and Prisma's for a server that cannot be reached just now. */
const databaseAway =
  /^(08\w{3}|57P0[1-3]|ECONN(REFUSED|RESET)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|P10(01|02|08|17)|P2024)$/;

const AWAY = "Plumbline's own database does not answer just now. Try again in a moment; an admin sees why in its log.";

/** What to say when our own database is away, or takes nothing; undefined for other errors. The reason may lie a few causes deep. */
function databaseTrouble(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > 4) return undefined;
  const { code, originalCode, cause, message } = error as { [name: string]: unknown };
  for (const known of [code, originalCode]) {
    if (typeof known !== "string") continue;
    if (databaseStuck[known] !== undefined) return databaseStuck[known];
    if (databaseAway.test(known)) return AWAY;
  }
  if (typeof message === "string" && /timeout exceeded when trying to connect|Connection terminated/.test(message))
    return AWAY;
  return databaseTrouble(cause, depth + 1);
}

/**
 * The expected failure in anything thrown: a use case's as it is; a connector's as 502 (the other system is down) or 422
 * (its settings or credentials must be changed); our own database being away as 503. Undefined for what nobody expected.
 */
export function asUseCaseError(error: unknown): UseCaseError | undefined {
  if (isUseCaseError(error)) return error;
  if (!isIntegrationError(error)) {
    const message = databaseTrouble(error);
    if (message === undefined) return undefined;
    return new UseCaseError(message, { status: 503, code: "database-unavailable", cause: error });
  }
  const { kind, field, retryAfterMs } = error.info;
  return new UseCaseError(error.message, {
    status: kind === "transient" ? 502 : 422,
    code: error.code,
    details: { kind, field, retryAfterMs },
    cause: error,
  });
}
