/** PostgreSQL's and the network's errors as typed failures. Source: PostgreSQL manual, “PostgreSQL Error Codes”. */
import { IntegrationError } from "../sdk/errors.ts";
import { dnsFailure } from "../sdk/network.ts";

/** What a message may say of a connection. Never the password. */
export type Place = { name: string; host: string; port: number; user: string; database: string };

export type ServerError = Error & {
  code?: string;
  severity?: string;
  detail?: string;
  hint?: string;
  schema?: string;
  table?: string;
  column?: string;
  dataType?: string;
  constraint?: string;
};

const at = ({ host, port }: Place) => `${host}:${port}`;

/** The failure of opening a connection. */
export function connectFailure(place: Place, cause: unknown): IntegrationError {
  if (cause instanceof IntegrationError)
    return new IntegrationError(`“${place.name}”: ${cause.message}`, { ...pick(cause), cause });
  const error = cause as ServerError;
  const make = (kind: "transient" | "credentials" | "settings", code: string, message: string) =>
    new IntegrationError(`“${place.name}”: ${message}`, { kind, code, cause });
  switch (error.code) {
    case "28P01":
    case "28000":
      if (/no pg_hba\.conf entry/.test(error.message))
        return make(
          "settings",
          "not-let-in",
          `${at(place)} lets nobody in from here as "${place.user}" to database "${place.database}" this way. Its administrator allows it in pg_hba.conf; often the setting “SSL” must be “require”.`,
        );
      return make(
        "credentials",
        "login-refused",
        `${at(place)} refused user "${place.user}" with the stored password. Enter the right user and password under Connections.`,
      );
    case "3D000":
      return make(
        "settings",
        "database-missing",
        `${at(place)} has no database "${place.database}". Correct the database name under Connections.`,
      );
    case "53300":
      return make(
        "transient",
        "too-many-connections",
        `${at(place)} has no connection left (${error.message}). Close other clients, or raise max_connections there.`,
      );
    case "57P03":
    case "57P01":
    case "57P02":
      return make("transient", "server-not-ready", `${at(place)} is starting or stopping just now.`);
    case "55000":
      return make(
        "transient",
        "server-not-ready",
        `${at(place)} lets nobody into database "${place.database}" at present (${error.message}).`,
      );
    case "42501":
      return make(
        "settings",
        "permission-denied",
        `User "${place.user}" may not connect to database "${place.database}" at ${at(place)}. Its administrator can GRANT CONNECT.`,
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return connectFailure(place, dnsFailure(place.host, cause));
    case "ECONNREFUSED":
      return make(
        "transient",
        "connection-refused",
        `Nothing accepts connections at ${at(place)}. Check host and port, and that PostgreSQL is running there.`,
      );
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return make(
        "transient",
        "unreachable",
        `There is no way to ${at(place)} from here. Check the host, the network and firewalls.`,
      );
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "CERT_HAS_EXPIRED":
      return make(
        "settings",
        "certificate-not-trusted",
        `The certificate of ${at(place)} does not prove that it is "${place.host}" (${error.message}). Install a trusted one, or set “SSL” to “require” to encrypt without proof.`,
      );
  }
  if (/does not support SSL/.test(error.message))
    return make(
      "settings",
      "ssl-not-supported",
      `${at(place)} does not offer SSL. Set “SSL” to “disable” under Connections, or turn SSL on in the server.`,
    );
  if (/timeout/i.test(error.message) || error.code === "ETIMEDOUT")
    return make(
      "transient",
      "connect-timeout",
      `${at(place)} did not answer within 10 s. Check host, port and firewalls.`,
    );
  if (/SASL|password must be a string/.test(error.message))
    return make(
      "credentials",
      "login-refused",
      `${at(place)} asks for a password for user "${place.user}" and did not accept the stored one. Enter it under Connections.`,
    );
  if (/^(08|53|57|58)/.test(error.code ?? "") && error.severity)
    return make("transient", "server-trouble", `${at(place)} could not let us in (${error.message}).`);
  if (error.code?.length === 5 && error.severity)
    return make("settings", "connect-refused", `${at(place)} refused the connection: ${error.message}.`);
  return make("transient", "connection-lost", `The connection to ${at(place)} broke (${error.message}).`);
}

function pick(error: IntegrationError) {
  const { kind, code, actor, retry, field } = error;
  return { kind, code, actor, retry, field };
}

const passing: { [state: string]: { code: string; words: string } } = {
  "40001": { code: "serialization-failure", words: "another transaction changed the same rows" },
  "40P01": { code: "deadlock", words: "another transaction waited for the same rows crosswise" },
  "55P03": { code: "lock-timeout", words: "the rows were locked by someone else for over 10 s" },
  "57014": { code: "statement-timeout", words: "the statement took longer than 30 s" },
  "25P03": { code: "connection-lost", words: "the server ended a transaction that waited too long" },
  "57P05": { code: "connection-lost", words: "the server ended an idle session" },
};

/** So long until somebody may have made a server writable again. */
const LOOK_AGAIN_MS = 30_000;

/**
 * The failure of a statement when it concerns the whole call; undefined when the server refuses what is in the records,
 * so that the caller looks for the bad ones.
 */
export function callFailure(place: Place, cause: unknown, what: string): IntegrationError | undefined {
  if (cause instanceof IntegrationError) return cause;
  const error = cause as ServerError;
  const code = error.code ?? "";
  const make = (kind: "transient" | "settings", ours: string, words: string) =>
    new IntegrationError(`“${place.name}”, ${what}: ${words}`, { kind, code: ours, cause });
  const known = passing[code];
  if (known) return make("transient", known.code, `${known.words}.`);
  if (!error.severity)
    return make("transient", "connection-lost", `the connection to ${at(place)} broke (${error.message}).`);
  const later = (ours: string, words: string) =>
    new IntegrationError(`“${place.name}”, ${what}: ${words}`, {
      kind: "transient",
      code: ours,
      retry: { afterMs: LOOK_AGAIN_MS },
      cause,
    });
  if (code === "53100")
    return later(
      "disk-full",
      `the server's disk is full (${error.message}). Free space there; a run that waits goes on by itself.`,
    );
  if (code === "25006")
    return later(
      "read-only",
      "the server or this database is read-only. If it is a standby, point the connection at the primary server; otherwise make it writable again: a run that waits goes on by itself.",
    );
  if (/^(08|53|57|58)/.test(code))
    return make("transient", "server-trouble", `the server could not go on (${error.message}).`);
  if (code === "42501" && !/row-level security/.test(error.message))
    return make(
      "settings",
      "permission-denied",
      `user "${place.user}" lacks a right: ${error.message}. The database's administrator can GRANT it.`,
    );
  return undefined;
}

/** Errors that mean the table is not as the cached catalogue says. */
export const shapeChanged = (cause: unknown) =>
  ["42P01", "42703", "42704", "0A000", "42804", "3F000", "42P10"].includes((cause as ServerError).code ?? "");

/** The failure of a statement that the server refused for a reason we do not expect there. */
export const serverTrouble = (place: Place, cause: unknown, what: string) =>
  new IntegrationError(`“${place.name}”, ${what}: the server refused the statement (${(cause as Error).message}).`, {
    kind: "transient",
    code: "server-trouble",
    cause,
  });
