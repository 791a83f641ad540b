/** What is stored of where a read step stands between runs: a watermark, or a place among the changes of one stream. */
import type { Json } from "../../../connectors/sdk/types.ts";
import type { ReadStep } from "./schema.ts";

const streamOf = ({ connection, stream }: Pick<ReadStep, "connection" | "stream">) => `${connection}/${stream}`;

export function storedChanges(step: Pick<ReadStep, "connection" | "stream">, position: Json): Json {
  return { changes: position, of: streamOf(step) };
}

/** The connector's position among the stream's changes; null when what is stored is about something else. */
export function changesPosition(step: Pick<ReadStep, "connection" | "stream">, stored: Json): Json {
  return isChanges(stored) && stored.of === streamOf(step) ? (stored.changes ?? null) : null;
}

/** The watermark; null when what is stored is a place among changes. */
export const watermarkPosition = (stored: Json): Json => (isChanges(stored) ? null : stored);

function isChanges(stored: Json): stored is { changes: Json; of: Json } {
  return (
    stored !== null && typeof stored === "object" && !Array.isArray(stored) && "changes" in stored && "of" in stored
  );
}
