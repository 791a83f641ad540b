/** A body as records: JSON, form, XML or plain text, by its content type. */
import { parseJson } from "../../connectors/sdk/json.ts";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { UseCaseError } from "../errors.ts";
import { FormRefused, readForm } from "./form.ts";
import { readMultipart } from "./multipart.ts";
import { readXml, XmlRefused } from "./xml.ts";

const DEEPEST = 64;
type Kind = "json" | "form" | "multipart" | "xml" | "text";

/**
 * An object is one record, a list of objects is as many, anything else is one record { value }; plain text is { text }.
 * Numbers that JavaScript would change (long ids, large amounts) are text with all their digits.
 *
 * @throws UseCaseError 400 `not-json`, `not-xml`, `not-form`, `not-text`, `too-deep`; 415 `content-type`
 */
export function parseBody(contentType: string, text: string): JsonRecord[] {
  const kind = kindOf(contentType, text);
  if (text.includes("\u0000"))
    throw new UseCaseError("The body holds the character U+0000, which cannot be stored. Remove it.", {
      status: 400,
      code: kind === "json" ? "not-json" : "not-text",
    });
  if (kind === "form") return [formRecord(contentType, text)];
  if (kind === "multipart") return [multipartRecord(contentType, text)];
  if (kind === "text") return [text === "" ? {} : { text }];
  if (kind === "xml") return [xmlRecord(text)];
  return jsonRecords(text);
}

/** Of an event that was taken in. Should a later version read it less kindly, it must not hold up those behind it. */
export function parseStored(contentType: string, text: string): JsonRecord[] {
  try {
    return parseBody(contentType, text);
  } catch {
    return [{ text }];
  }
}

function kindOf(contentType: string, text: string): Kind {
  const end = contentType.indexOf(";");
  const type = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  if (type === "application/json" || type.endsWith("+json") || type === "text/json") return "json";
  if (type === "application/x-www-form-urlencoded") return looksLikeJson(text) ? "json" : "form"; // curl -d '{…}'
  if (type === "multipart/form-data") return "multipart";
  if (type === "application/xml" || type === "text/xml" || type.endsWith("+xml")) return "xml";
  if (type === "" || type === "application/octet-stream") return looksLikeJson(text) ? "json" : "text";
  if (type.startsWith("text/")) return "text";
  throw new UseCaseError(
    `Bodies of type ${type.slice(0, 80)} are not taken. Send application/json, a form (application/x-www-form-urlencoded, multipart/form-data), application/xml or text/plain.`,
    { status: 415, code: "content-type" },
  );
}

const looksLikeJson = (text: string) => /^\s*[[{]/.test(text);

function jsonRecords(text: string): JsonRecord[] {
  if (isTooDeep(text)) {
    const message = `The body is nested deeper than ${DEEPEST} levels. Send it flatter.`;
    throw new UseCaseError(message, { status: 400, code: "too-deep" });
  }
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new UseCaseError(`The body is not JSON: ${why}. Send JSON in UTF-8.`, { status: 400, code: "not-json" });
  }
  if (isRecord(value)) return [value];
  if (Array.isArray(value) && value.length > 0 && value.every(isRecord)) return value;
  return [{ value }];
}

function isRecord(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Before parsing, so that no body exhausts the stack of what comes after. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 92) at++;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 123 || code === 91) {
      if (++depth > DEEPEST) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}

function formRecord(contentType: string, text: string): JsonRecord {
  return formRefused(() => readForm(contentType, text));
}

function multipartRecord(contentType: string, text: string): JsonRecord {
  return formRefused(() => readMultipart(contentType, text));
}

function formRefused(read: () => JsonRecord): JsonRecord {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormRefused)) throw error;
    throw new UseCaseError(`The body is not a form that is taken here: ${error.message}.`, {
      status: 400,
      code: "not-form",
    });
  }
}

function xmlRecord(text: string): JsonRecord {
  try {
    return readXml(text);
  } catch (error) {
    if (!(error instanceof XmlRefused)) throw error;
    throw new UseCaseError(`The body is not XML that is taken here: ${error.message}.`, {
      status: 400,
      code: "not-xml",
    });
  }
}
