/** Failures, typed for the program and worded for the person: what was expected, what was found, where, what to do next. */

/** transient: may pass by itself · rejected: this record is refused · credentials · settings: a person must change something */
export type FailureKind = "transient" | "rejected" | "credentials" | "settings";
/** who can make it go away */
export type Actor = "user" | "remote" | "us";
export type Retry = "never" | "backoff" | { afterMs: number };

/** A failure as plain data, as it is stored and sent to a screen. */
export type FailureInfo = {
  kind: FailureKind;
  /** stable, one heading in docs/errors.md */
  code: string;
  message: string;
  /** the message without what differs from record to record (a path with the template's braces, not the record's id); like failures are grouped by it */
  general?: string;
  field?: string;
  retryAfterMs?: number;
  /** what this is when the system takes other records in the same way: a failure of the record alone (rejected) */
  ofRecord?: FailureInfo;
};

type Options = {
  kind: FailureKind;
  code: string;
  actor?: Actor;
  retry?: Retry;
  field?: string;
  general?: string;
  ofRecord?: FailureInfo | undefined;
  cause?: unknown;
};

/** An expected failure. Anything else that is thrown is a defect of ours. */
export class IntegrationError extends Error {
  readonly kind: FailureKind;
  readonly code: string;
  readonly actor: Actor;
  readonly retry: Retry;
  readonly field: string | undefined;
  readonly general: string | undefined;
  readonly ofRecord: FailureInfo | undefined;

  constructor(message: string, { kind, code, actor, retry, field, general, ofRecord, cause }: Options) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "IntegrationError";
    this.kind = kind;
    this.code = code;
    this.actor = actor ?? (kind === "transient" || kind === "rejected" ? "remote" : "user");
    this.retry = retry ?? (kind === "transient" ? "backoff" : "never");
    this.field = field;
    this.general = general;
    this.ofRecord = ofRecord;
  }

  get info(): FailureInfo {
    const info: FailureInfo = { kind: this.kind, code: this.code, message: this.message };
    if (this.general !== undefined) info.general = this.general;
    if (this.field !== undefined) info.field = this.field;
    if (this.ofRecord !== undefined) info.ofRecord = this.ofRecord;
    if (typeof this.retry === "object") info.retryAfterMs = this.retry.afterMs;
    return info;
  }
}

/** The failure of anything thrown; what is not an IntegrationError is a transient failure of ours. */
export function failureOf(error: unknown): FailureInfo {
  if (error instanceof IntegrationError) return error.info;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "transient", code: "unexpected", message: `Unexpected: ${message}` };
}

/** Quotes one value for a message, shortened to 60 characters. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const short = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return typeof value === "string" ? `"${short}"` : short;
}
