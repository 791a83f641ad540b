import { IntegrationError } from "../connectors/sdk/errors.ts";
import { isUseCaseError, UseCaseError } from "./errors.ts";

// The failure of a connection, told apart by its shape too: Next bundles its own copy of the class.
function isIntegrationError(error: unknown): error is IntegrationError {
  return error instanceof IntegrationError || (error instanceof Error && error.name === "IntegrationError");
}

/** PostgreSQL's own codes (class 08, 57P), Node's, and Prisma's for a server that cannot be reached just now. */
const databaseAway =
  /^(08\w{3}|57P0[1-3]|ECONN(REFUSED|RESET)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|P10(01|02|08|17)|P2024)$/;

/** Is our own database away? The reason may lie a few causes deep. */
function isDatabaseAway(error: unknown, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > 4) return false;
  const { code, cause, message } = error as { code?: unknown; cause?: unknown; message?: unknown };
  if (typeof code === "string" && databaseAway.test(code)) return true;
  if (typeof message === "string" && /timeout exceeded when trying to connect|Connection terminated/.test(message))
    return true;
  return isDatabaseAway(cause, depth + 1);
}

/**
 * The expected failure in anything thrown: a use case's as it is; a connector's as 502 (the other system is down) or 422
 * (its settings or credentials must be changed); our own database being away as 503. Undefined for what nobody expected.
 */
export function asUseCaseError(error: unknown): UseCaseError | undefined {
  if (isUseCaseError(error)) return error;
  if (!isIntegrationError(error)) {
    if (!isDatabaseAway(error)) return undefined;
    const message =
      "Plumbline's own database does not answer just now. Try again in a moment; an admin sees why in its log.";
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
