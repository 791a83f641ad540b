/** Forms as browsers post them. Source: URL Standard, “application/x-www-form-urlencoded parsing”; HTML, “_charset_”. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { charsetNamed, decoderOf } from "./charset.ts";

/** What is wrong with the form, in words. */
export class FormRefused extends Error {}

/**
 * Fields by name, several of one name as a list. What is percent-encoded is text in the charset of the content type, else
 * UTF-8; what is none is refused, as it would arrive garbled.
 *
 * @throws FormRefused
 */
export function readForm(contentType: string, text: string): JsonRecord {
  const charset = charsetNamed(contentType) ?? "utf-8";
  const values = new Map<string, string[]>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals), charset);
    const value = equals < 0 ? "" : decoded(pair.slice(equals + 1), charset);
    const before = values.get(name);
    if (before) before.push(value);
    else values.set(name, [value]);
  }
  const record: JsonRecord = {};
  for (const [name, all] of values) put(record, name, all);
  return record;
}

/** Own property whatever its name. */
function put(record: JsonRecord, name: string, all: string[]): void {
  const value = all.length === 1 ? (all[0] as string) : all;
  Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
}

function decoded(encoded: string, charset: string): string {
  const text = encoded.replaceAll("+", " ");
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decoderOf(charset).decode(Buffer.from(bytes.replaceAll("%", ""), "hex"));
    } catch {
      const found = `expected what is percent-encoded to be text in ${charset}, found ${bytes.slice(0, 30)}`;
      throw new FormRefused(`${found}. Encode it as UTF-8, or name its charset in the content type`);
    }
  });
}
