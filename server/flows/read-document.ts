import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { isJsonRecord, plainCopy } from "../../engine/flow/plain.ts";
import type { FlowSettings } from "../../engine/flow/schema.ts";
import { refuseUnstorable } from "../db/storable.ts";
import { Invalid } from "../errors.ts";

/** Any JSON object; what is wrong inside it are the flow's problems, not the request's. */
export const FlowDocument = z
  .record(z.string(), z.unknown())
  .describe("A flow document (its JSON Schema: format plumbline/1). Problems do not prevent saving it as a draft.");

/**
 * The document as it is kept: plain JSON, otherwise as it came.
 *
 * @throws Invalid when it is not an object, nested too deep, or holds text that cannot be stored
 */
export function readDocument(input: unknown): JsonRecord {
  const plain = plainCopy(input);
  if (!plain.ok) {
    const { path, message, remedy } = plain.unusable;
    throw new Invalid(`The flow document${path === "" ? "" : `, “${path}”`}: ${message}. ${remedy}`, [
      { path, message },
    ]);
  }
  if (!isJsonRecord(plain.value)) {
    const message = "expected an object with format, name, steps and links";
    throw new Invalid(`The flow document: ${message}. Send a flow document.`, [{ path: "", message }]);
  }
  refuseUnstorable(plain.value, "The flow document");
  return plain.value;
}

/** The flow's name as lists show it. */
export function nameOf(document: JsonRecord): string {
  const { name } = document;
  return typeof name === "string" && name.trim() !== "" ? name.trim().slice(0, 200) : "Untitled flow";
}

/** The settings of a version's document. */
export function settingsOf(document: unknown): FlowSettings {
  return isJsonRecord(document) ? ((document.settings ?? {}) as FlowSettings) : {};
}

/** The steps of any document, however broken. */
export function stepsOf(document: unknown): JsonRecord[] {
  const steps = (document as { steps?: unknown } | null | undefined)?.steps;
  return Array.isArray(steps) ? steps.filter(isJsonRecord) : [];
}

/** Names of the connections a document speaks of. */
export function connectionsOf(document: unknown): string[] {
  const names = stepsOf(document).flatMap(({ connection }) => (typeof connection === "string" ? [connection] : []));
  return [...new Set(names)];
}

/** Where events for the flow are sent; undefined when it does not start with a webhook. */
export function hookOf(document: unknown, hookKey: string): string | undefined {
  return stepsOf(document).some(({ kind }) => kind === "webhook") ? `/hooks/${hookKey}` : undefined;
}
