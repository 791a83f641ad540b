/**
 * Expected failures of use cases: a stable code (a heading in docs/errors.md), an HTTP status, and words for the person.
 * They are turned into answers in two places only: server/api/answer.ts (REST) and server/trpc/init.ts (tRPC).
 */
import type { Role } from "./trpc/contract/people.ts";

/** Where in the input something is wrong: `path` in dots ("settings.host"), "" for the whole. */
export type ErrorDetail = { path: string; message: string };
export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 502 | 503;

type Options = { status: ErrorStatus; code: string; details?: unknown; cause?: unknown };

// Next bundles its own copy of this class, so `instanceof` is not enough: the mark is shared by all copies.
const mark = Symbol.for("plumbline.UseCaseError");

export class UseCaseError extends Error {
  readonly code: string;
  readonly status: ErrorStatus;
  readonly details: unknown;
  readonly [mark] = true;

  constructor(message: string, { status, code, details, cause }: Options) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

export function isUseCaseError(error: unknown): error is UseCaseError {
  return error instanceof Error && mark in error;
}

/** 404 `not-found`: nothing with that id in this workspace. `noun` as a person says it: "flow", "connection", "run". */
export class NotFound extends UseCaseError {
  constructor(noun: string, id: string) {
    super(`There is no ${noun} "${id.slice(0, 80)}" in this workspace. It may have been removed.`, {
      status: 404,
      code: "not-found",
      details: { noun, id },
    });
  }
}

/** 401 `unauthorized`. */
export class Unauthorized extends UseCaseError {
  constructor(message = "Sign in, or send a valid API token as “Authorization: Bearer plb_…”.") {
    super(message, { status: 401, code: "unauthorized" });
  }
}

/** 403 `forbidden`: the role may not. */
export class Forbidden extends UseCaseError {
  constructor(needed: Role, found: Role, message?: string) {
    super(message ?? `This needs the role ${needed} or above; yours is ${found}. Ask an admin of the workspace.`, {
      status: 403,
      code: "forbidden",
      details: { needed, found },
    });
  }
}

/** 400 `invalid`: the input has the wrong shape or values; `details` says where. */
export class Invalid extends UseCaseError {
  constructor(message: string, details: ErrorDetail[] = [], code = "invalid") {
    super(message, { status: 400, code, details });
  }
}

/** 409 with a code of its own: the state of things does not allow it now (`name-taken`, `connection-in-use` …). */
export class Conflict extends UseCaseError {
  constructor(code: string, message: string, details?: unknown) {
    super(message, { status: 409, code, details });
  }
}

/** 409 `stale-draft`: someone saved the draft in between; the editor reloads and shows the difference. */
export class StaleDraft extends Conflict {
  constructor(flowId: string, revision?: number) {
    super(
      "stale-draft",
      "Someone else saved this flow in the meantime. Reload it to see their changes, then save yours.",
      {
        flowId,
        revision,
      },
    );
  }
}

/** 422 with a code of its own: the input is well formed but cannot be carried out (`flow-has-problems` …). */
export class Unprocessable extends UseCaseError {
  constructor(code: string, message: string, details?: unknown) {
    super(message, { status: 422, code, details });
  }
}
