/** From bytes to text: which encoding a file is in, and a decoder that never lets a wrong byte through. */
import { analyse } from "chardet";
import iconv from "iconv-lite";
import { IntegrationError, quote } from "../sdk/errors.ts";

export type Encoding = {
  /** as iconv-lite names it */
  name: string;
  /** bytes of the byte order mark at the beginning */
  bom: number;
  /** "mark", "set" (in the settings) or "guessed" from the beginning */
  from: "mark" | "set" | "guessed";
};

const marks: [string, number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

const validUtf8 = (bytes: Buffer) => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }); // `stream`: a character cut at the end is fine
    return true;
  } catch {
    return false;
  }
};

/** @param wanted the setting; @param head the file's first bytes (256 kB or all) */
export function encodingOf(file: string, wanted: string, head: Buffer): Encoding {
  const mark = marks.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte));
  const set = wanted === "auto" ? undefined : wanted.toLowerCase();
  if (set !== undefined && !iconv.encodingExists(set))
    throw new IntegrationError(
      `The encoding ${quote(wanted)} is not known. Known are utf-8, utf-16le, windows-1252, iso-8859-15 and many more; "auto" finds out by itself.`,
      { kind: "settings", code: "encoding-unknown" },
    );
  if (
    mark &&
    set !== undefined &&
    canonical(set) !== canonical(mark[0]) &&
    !(set === "utf-16" && mark[0].startsWith("utf-16"))
  )
    throw new IntegrationError(
      `File ${quote(file)} begins with the byte order mark of ${mark[0]}, but the encoding is set to ${quote(wanted)}. Set it to ${mark[0]} or auto.`,
      { kind: "settings", code: "encoding-wrong" },
    );
  if (mark) return { name: mark[0], bom: mark[1].length, from: "mark" };
  if (set !== undefined) return { name: set === "utf-16" ? "utf-16le" : set, bom: 0, from: "set" };
  // Latin text in UTF-16 has a zero in every second byte.
  const zeros = [0, 1].map(
    (start) => head.subarray(0, 4096).filter((byte, index) => index % 2 === start && byte === 0).length,
  );
  const half = Math.min(head.length, 4096) / 2;
  if (zeros[1]! > half * 0.4 && zeros[0] === 0) return { name: "utf-16le", bom: 0, from: "guessed" };
  if (zeros[0]! > half * 0.4 && zeros[1] === 0) return { name: "utf-16be", bom: 0, from: "guessed" };
  if (validUtf8(head)) return { name: "utf-8", bom: 0, from: "guessed" };
  const guess = analyse(head)
    .find(({ name, confidence }) => confidence >= 10 && !name.startsWith("UTF") && iconv.encodingExists(name))
    ?.name.toLowerCase();
  // What calls itself ISO-8859-1 is nearly always windows-1252, which is the same but for the euro sign and its like.
  return { name: guess === undefined || guess === "iso-8859-1" ? "windows-1252" : guess, bom: 0, from: "guessed" };
}

const canonical = (name: string) => name.replace(/[^a-z0-9]/g, "").replace(/^utf16$/, "utf16le");

export type Decoder = { write(bytes: Buffer): string; end(): string };

/**
 * Decodes chunks; `write` and `end` throw at the first byte that is not valid in the encoding.
 *
 * @param where line number of the text decoded so far, for the message
 */
export function decoderFor(file: string, { name, from }: Encoding, where: () => number): Decoder {
  const wrong = (line: number, byte: string) =>
    new IntegrationError(
      `File ${quote(file)}, line ${line}: ${byte} is not valid ${name}${from === "guessed" ? ", which its beginning seemed to be" : ""}. Set the encoding in the connection's settings${canonical(name) === "utf8" ? ' (often "windows-1252")' : ' (often "utf-8")'}, or save the file anew.`,
      { kind: "settings", code: "encoding-wrong" },
    );
  if (/^utf-?(8|16(le|be)?)$/.test(name)) {
    const decoder = new TextDecoder(name === "utf-16" ? "utf-16le" : name, { fatal: true, ignoreBOM: true });
    let rest = Buffer.alloc(0);
    const decode = (bytes: Buffer, stream: boolean) => {
      try {
        return decoder.decode(bytes, { stream });
      } catch {
        const { line, byte } =
          canonical(name) === "utf8"
            ? firstWrong(Buffer.concat([rest, bytes]), rest.length)
            : { line: 0, byte: "a character" };
        throw wrong(where() + line, byte);
      } finally {
        rest = Buffer.from(bytes.subarray(-3)); // a character may have begun in the chunk before
      }
    };
    return { write: (bytes) => decode(bytes, true), end: () => decode(Buffer.alloc(0), false) };
  }
  const decoder = iconv.getDecoder(name);
  const checked = (text: string) => {
    const at = text.indexOf("\uFFFD");
    if (at >= 0) throw wrong(where() + (text.slice(0, at).match(/\n/g)?.length ?? 0), "a byte");
    return text;
  };
  return { write: (bytes) => checked(decoder.write(bytes)), end: () => checked(decoder.end() ?? "") };
}

/** The first byte in `bytes` that begins no UTF-8 character, and the line breaks between `from` and it. */
function firstWrong(bytes: Buffer, from: number): { line: number; byte: string } {
  let line = 0;
  for (let index = 0; index < bytes.length; ) {
    const first = bytes[index]!;
    if (first === 10 && index >= from) line++;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    const started = index < 3 && first >= 0x80 && first < 0xc0; // the end of a character from the chunk before
    if (!started && (length === 0 || (length > 1 && !validUtf8(bytes.subarray(index, index + length)))))
      return { line, byte: `byte 0x${first.toString(16).toUpperCase()}` };
    index += started ? 1 : Math.max(1, length);
  }
  return { line, byte: "a character cut off at the end" };
}

/** Text as bytes of the encoding; undefined when a character has no place in it. */
export function encoded(text: string, { name }: Encoding): Buffer | undefined {
  const bytes = iconv.encode(text, name);
  return iconv.decode(bytes, name, { stripBOM: false }) === text ? bytes : undefined;
}
