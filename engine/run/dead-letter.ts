/** How failed records are grouped: by place and kind of failure, without the values that differ from record to record. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";

/** The reason with quoted values and numbers replaced, so that like failures read alike. */
export function generalReason(message: string): string {
  return message
    .replace(/\(record [^)]*\)/gu, "")
    .replace(/"(?:[^"\\]|\\.)*"/gu, "“…”")
    .replace(/(?<![\p{L}_-])[-+]?\d[\d.,:T-]*(?![\p{L}_])/gu, "…")
    .replace(/\s+/gu, " ")
    .trim();
}

/** Stable text from which the group's id is made; the store hashes it. */
export function groupText(step: string, failure: FailureInfo): string {
  return [step, failure.field ?? "", failure.code, generalReason(failure.message)].join("\u0000");
}
