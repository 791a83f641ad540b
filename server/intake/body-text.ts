/** The text of a body: by its byte order mark, else by the charset of its content type, else as XML declares, else UTF-8. */
import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { UseCaseError } from "../errors.ts";
import { charsetNamed, decoderOf } from "./charset.ts";

/** @throws UseCaseError 400 `not-text`; 415 `content-encoding` */
export function bodyText(bytes: Buffer, headers: IncomingHttpHeaders): string {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new UseCaseError(`The body is encoded as ${encoding.slice(0, 40)}. Send it without content-encoding.`, {
      status: 415,
      code: "content-encoding",
    });
  const charset = charsetOf(bytes, headers["content-type"] ?? "");
  if (charset === "utf-8" || charset === "utf8") {
    if (!isUtf8(bytes)) throw notText("UTF-8");
    return bytes.toString("utf8", bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  }
  try {
    return decoderOf(charset).decode(bytes);
  } catch {
    throw notText(charset);
  }
}

/** Source: RFC 7303, 3.2 and 3.3; XML 1.0, appendix F. */
function charsetOf(bytes: Buffer, contentType: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const named = charsetNamed(contentType);
  if (named !== undefined) return named;
  if (bytes[0] !== 0x3c || !/^[^;]*\bxml\b/i.test(contentType)) return "utf-8";
  const declaration = bytes.toString("latin1", 0, 200).match(/^<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.-]{1,40})["']/);
  return declaration?.[1]?.toLowerCase() ?? "utf-8";
}

function notText(charset: string): UseCaseError {
  return new UseCaseError(`The body is not text in ${charset}. Send UTF-8.`, { status: 400, code: "not-text" });
}
