/** Forms with files, as browsers and form services post them. Source: RFC 7578, RFC 2046 5.1. */
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { FormRefused } from "./form.ts";

const MOST_PARTS = 2_000;

/**
 * Fields by name, several of one name as a list. A file is { filename, contentType, text }: bodies are kept as text, so its
 * content has to be text too.
 *
 * @throws FormRefused
 */
export function readMultipart(contentType: string, text: string): JsonRecord {
  const [, quoted, plain] = contentType.match(/;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw new FormRefused("expected a boundary in the content type, found none");
  const delimiter = `\r\n--${boundary}`;
  const whole = `\r\n${text}`;
  const record: JsonRecord = {};
  let at = whole.indexOf(delimiter);
  if (at < 0) throw new FormRefused("expected parts between its boundaries, found no boundary");
  for (let count = 0; ; count++) {
    at += delimiter.length;
    if (whole.startsWith("--", at)) return record;
    const begin = /[ \t]*\r\n/y;
    begin.lastIndex = at;
    if (!begin.test(whole)) throw new FormRefused(`expected a new line after boundary ${count + 1}`);
    const next = whole.indexOf(delimiter, begin.lastIndex - 2);
    if (next < 0) throw new FormRefused("expected its last boundary, found the end of the body: it was cut off");
    if (count >= MOST_PARTS) throw new FormRefused(`expected at most ${MOST_PARTS} parts, found more`);
    addPart(record, whole.slice(begin.lastIndex, next), count + 1);
    at = next;
  }
}

function addPart(record: JsonRecord, part: string, number: number): void {
  const end = part.startsWith("\r\n") ? 0 : part.indexOf("\r\n\r\n");
  if (end < 0) throw new FormRefused(`expected an empty line after the headers of part ${number}`);
  const headers = part.slice(0, end).split("\r\n");
  const find = (name: string) => headers.find((line) => line.toLowerCase().startsWith(`${name}:`));
  const disposition = find("content-disposition") ?? "";
  const name = parameter(disposition, "name");
  if (name === undefined) throw new FormRefused(`expected a name in part ${number}, found none`);
  const content = part.slice(end === 0 ? 2 : end + 4);
  const filename = parameter(disposition, "filename");
  const type = find("content-type");
  const value: Json =
    filename === undefined
      ? content
      : { filename, contentType: type?.slice("content-type:".length).trim() ?? "text/plain", text: content };
  const before = Object.hasOwn(record, name) ? record[name] : undefined;
  const all = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  Object.defineProperty(record, name, { value: all, enumerable: true, writable: true, configurable: true });
}

/** Quotes and line ends in names are percent-encoded by browsers (HTML, “multipart/form-data encoding algorithm”). */
function parameter(header: string, name: string): string | undefined {
  const [, quoted, plain] = header.match(new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;]+))`, "i")) ?? [];
  return (quoted ?? plain)?.replace(/%(22|0D|0A)/gi, (encoded) => decodeURIComponent(encoded));
}
