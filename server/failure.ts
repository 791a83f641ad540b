import { IntegrationError } from "../connectors/sdk/errors.ts";
import { isUseCaseError, UseCaseError } from "./errors.ts";

// The failure of a connection, told apart by its shape too: Next bundles its own copy of the class.
function isIntegrationError(error: unknown): error is IntegrationError {
  return error instanceof IntegrationError || (error instanceof Error && error.name === "IntegrationError");
}

/**
 * The expected failure in anything thrown: a use case's as it is; a connector's as 502 (the other system is down) or 422
 * (its settings or credentials must be changed). Undefined for what nobody expected.
 */
export function asUseCaseError(error: unknown): UseCaseError | undefined {
  if (isUseCaseError(error)) return error;
  if (!isIntegrationError(error)) return undefined;
  const { kind, field, retryAfterMs } = error.info;
  return new UseCaseError(error.message, {
    status: kind === "transient" ? 502 : 422,
    code: error.code,
    details: { kind, field, retryAfterMs },
    cause: error,
  });
}
