/**
 * XML as nested records: `<a id="1">x<b/></a>` is { a: { "@id": "1", "#text": "x", b: "" } }. An element with neither
 * attributes nor children is its text; what occurs twice is a list. Prefixes of names stay ("soap:Body"). Well-formed
 * documents only. A DOCTYPE that names its file is passed over unread (cXML begins with one), one that declares something is
 * refused: so there are no entities but the five of XML, and nothing is ever fetched.
 */
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";

/** Where the text is not XML we take, in words: "line 3: expected …". */
export class XmlRefused extends Error {}

const DEEPEST = 64;
const MOST_ELEMENTS = 200_000;
const NAME = /[\p{L}_:][\p{L}\p{N}_:.\-·]*/uy;
const DOCTYPE =
  /<!DOCTYPE[ \t\r\n]+[^\s<>[\]"']+(?:[ \t\r\n]+(?:SYSTEM|PUBLIC[ \t\r\n]+(?:"[^"]*"|'[^']*'))[ \t\r\n]+(?:"[^"]*"|'[^']*'))?[ \t\r\n]*>/y;
const SPACE = /[ \t\r\n]*/y;
const ENTITIES: { [name: string]: string } = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

type Open = { name: string; record: JsonRecord; text: string };

/** @throws XmlRefused */
export function readXml(source: string): JsonRecord {
  const text = source.startsWith("\ufeff") ? source.slice(1) : source;
  const root: Open = { name: "", record: {}, text: "" };
  const stack: Open[] = [root];
  let at = 0;
  let elements = 0;
  let roots = 0;
  let doctype = false;

  const refuse = (message: string, place = at): never => {
    throw new XmlRefused(`line ${text.slice(0, place).split("\n").length}: ${message}`);
  };
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  };
  const until = (end: string, what: string): string => {
    const stop = text.indexOf(end, at);
    if (stop < 0) refuse(`expected “${end}” at the end of ${what}, found the end of the text`);
    const inner = text.slice(at, stop);
    at = stop + end.length;
    return inner;
  };
  const decoded = (raw: string): string =>
    raw.includes("&") ? raw.replace(/&([^;\s]{0,20});?/g, (whole, name: string) => entity(whole, name, refuse)) : raw;

  const close = (element: Open) => {
    const parent = stack.at(-1) as Open;
    const named = Object.keys(element.record).length > 0;
    const content = named ? element.text.trim() : element.text;
    if (named && content !== "") element.record["#text"] = content;
    put(parent.record, element.name, named ? element.record : element.text.trim());
  };
  const attributes = (record: JsonRecord): "open" | "empty" => {
    for (;;) {
      const space = match(SPACE);
      if (text.startsWith("/>", at)) {
        at += 2;
        return "empty";
      }
      if (text[at] === ">") {
        at += 1;
        return "open";
      }
      const name = space === "" ? "" : match(NAME);
      if (name === "") refuse("expected an attribute, “>” or “/>”");
      match(SPACE);
      if (text[at] !== "=") refuse(`expected “=” after attribute “${name}”`);
      at += 1;
      match(SPACE);
      const quote = text[at] ?? "";
      if (quote !== '"' && quote !== "'") refuse(`expected the value of “${name}” in quotes`);
      at += 1;
      const value = until(quote, `attribute “${name}”`);
      if (value.includes("<")) refuse(`found “<” in attribute “${name}”; write &lt;`);
      if (Object.hasOwn(record, `@${name}`)) refuse(`found attribute “${name}” twice`);
      define(record, `@${name}`, decoded(value));
    }
  };

  while (at < text.length) {
    const next = text.indexOf("<", at);
    const top = stack.at(-1) as Open;
    const between = text.slice(at, next < 0 ? text.length : next);
    if (stack.length === 1 && between.trim() !== "") refuse("expected an element, found text outside of any");
    top.text += decoded(between);
    if (next < 0) break;
    at = next;
    if (text.startsWith("<!--", at)) {
      at += 4;
      until("-->", "a comment");
    } else if (text.startsWith("<![CDATA[", at)) {
      if (stack.length === 1) refuse("found CDATA outside of any element");
      at += 9;
      top.text += until("]]>", "a CDATA section");
    } else if (text.startsWith("<?", at)) {
      at += 2;
      until("?>", "a processing instruction");
    } else if (text.startsWith("<!", at)) {
      if (doctype || roots > 0 || match(DOCTYPE) === "")
        refuse("found a declaration, or a DOCTYPE with declarations, which is not taken. Send the document without it");
      doctype = true;
    } else if (text.startsWith("</", at)) {
      at += 2;
      const name = match(NAME);
      match(SPACE);
      if (text[at] !== ">" || stack.length === 1 || name !== top.name)
        refuse(stack.length === 1 ? `found </${name}> without its start` : `expected </${top.name}>, found </${name}>`);
      at += 1;
      stack.pop();
      close(top);
    } else {
      at += 1;
      const name = match(NAME);
      if (name === "") refuse("expected the name of an element after “<”");
      if (stack.length === 1 && ++roots > 1) refuse(`expected one outermost element, found <${name}> as another`);
      if (++elements > MOST_ELEMENTS) refuse(`expected at most ${MOST_ELEMENTS} elements, found more`);
      if (stack.length > DEEPEST) refuse(`expected at most ${DEEPEST} levels, found more`);
      const element: Open = { name, record: {}, text: "" };
      if (attributes(element.record) === "empty") close(element);
      else stack.push(element);
    }
  }
  if (stack.length > 1) refuse(`expected </${(stack.at(-1) as Open).name}>, found the end of the text`);
  if (roots === 0) refuse("expected an element, found none");
  return root.record;
}

/** Own property whatever its name. */
function define(record: JsonRecord, name: string, value: Json): void {
  Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
}

function put(record: JsonRecord, name: string, value: Json): void {
  const before = Object.hasOwn(record, name) ? record[name] : undefined;
  if (before === undefined) define(record, name, value);
  else if (Array.isArray(before)) before.push(value);
  else define(record, name, [before, value]);
}

function entity(whole: string, name: string, refuse: (message: string) => never): string {
  if (!whole.endsWith(";")) return refuse(`found “${whole.slice(0, 12)}”; write &amp; for “&”`);
  const known = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
  if (known !== undefined) return known;
  const [, hex, decimal] = name.match(/^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i) ?? [];
  const code = hex !== undefined ? Number.parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : 0;
  if (code <= 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    return refuse(`found the unknown entity “${whole}”`);
  return String.fromCodePoint(code);
}
