import { TRPCClientError } from "@trpc/client";

export type Failure = {
  /** the sentence the server wrote for the person */
  message: string;
  /** stable code of docs/errors.md */
  reason: string;
  status: number | null;
  details: unknown;
};

/** What went wrong in a call, as the screens need it. Without an answer at all, the server could not be reached. */
export function readFailure(error: unknown): Failure {
  if (error instanceof TRPCClientError) {
    const data = error.data as { reason?: string; httpStatus?: number; details?: unknown } | undefined;
    if (data) {
      return {
        message: error.message,
        reason: data.reason ?? "unexpected",
        status: data.httpStatus ?? null,
        details: data.details,
      };
    }
    const message = "Plumbline did not answer. Check that it is running and that you are connected, then try again.";
    return { message, reason: "unreachable", status: null, details: undefined };
  }
  return {
    message: error instanceof Error ? error.message : String(error),
    reason: "unexpected",
    status: null,
    details: undefined,
  };
}

/** A refusal stays a refusal; only a silent or failing server is asked again. */
export function isWorthRetrying(error: unknown): boolean {
  const { status } = readFailure(error);
  return status === null || status >= 502;
}
