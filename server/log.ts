/**
 * The process's log: JSON lines, or one plain line per entry on a terminal (PLUMBLINE_LOG=json|text decides otherwise).
 * Level from PLUMBLINE_LOG_LEVEL (default info). Never log settings, credentials, bodies or records.
 */
import { randomBytes } from "node:crypto";
import pino, { type DestinationStream, type Logger } from "pino";

const secretNames = ["password", "secret", "token", "apiKey", "authorization", "cookie", "credentials"];

function textStream(): DestinationStream {
  return {
    write(line: string) {
      const { time, level, msg, err, ...rest } = JSON.parse(line);
      const mark = level >= 50 ? "error" : level >= 40 ? "warning" : level >= 30 ? "" : "debug";
      delete rest.process;
      const more = Object.keys(rest).length > 0 ? `  ${JSON.stringify(rest)}` : "";
      const stack = err?.stack ? `\n${err.stack}` : "";
      process.stdout.write(
        `${new Date(time).toLocaleTimeString("en-GB")} ${mark ? `${mark}: ` : ""}${msg}${more}${stack}\n`,
      );
    },
  };
}

const form = process.env.PLUMBLINE_LOG ?? (process.stdout.isTTY ? "text" : "json");
const options = {
  level: process.env.PLUMBLINE_LOG_LEVEL ?? (process.env.VITEST ? "silent" : "info"),
  base: undefined,
  redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: "•••" },
};

export const log: Logger = form === "text" ? pino(options, textStream()) : pino(options);

/** Logs something unexpected and returns the id by which its log entry is found; the id may be shown, the error not. */
export function logUnexpected(error: unknown, where: { [name: string]: string | undefined }): string {
  const logId = randomBytes(6).toString("hex");
  log.error({ err: error, logId, ...where }, "unexpected failure");
  return logId;
}
