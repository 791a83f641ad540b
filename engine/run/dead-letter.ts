/** How failed records are grouped: by place and kind of failure, without the values that differ from record to record. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";

/** The reason with quoted values and numbers replaced, so that like failures read alike. Status codes of HTTP stay. */
export function generalReason({ message, general = message }: Pick<FailureInfo, "message" | "general">): string {
  return general
    .replace(/ ?\(record [^)]*\)/gu, "")
    .replace(/"(?:[^"\\]|\\.)*"/gu, "“…”")
    .replace(/(?<![\p{L}\d_-])(?!\d{3} for [A-Z])[-+]?\d(?:[\d.,:T-]*\d)?(?![\p{L}_\d])/gu, "…")
    .replace(/\s+/gu, " ")
    .trim();
}

/** Stable text from which the group's id is made; the store hashes it. */
export function groupText(step: string, failure: FailureInfo): string {
  return [step, failure.field ?? "", failure.code, generalReason(failure)].join("\u0000");
}
