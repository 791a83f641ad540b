import { expect, it } from "vitest";
import { bodyText } from "./body-text.ts";

const xml = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><a>Jürgen</a>`;
const code = (bytes: Buffer, headers = {}) => {
  try {
    return bodyText(bytes, headers);
  } catch (error) {
    return (error as { code: string }).code;
  }
};

it("a body is read in the charset it says, or XML declares, or its byte order mark shows", () => {
  expect(code(Buffer.from("\ufeffZoë"))).toBe("Zoë");
  expect(code(Buffer.from("Zoë", "latin1"), { "content-type": "text/plain; charset=ISO-8859-1" })).toBe("Zoë");
  expect(code(Buffer.from(xml("ISO-8859-1"), "latin1"), { "content-type": "application/xml" })).toContain("Jürgen");
  expect(code(Buffer.from(xml("ISO-8859-1"), "latin1"), { "content-type": "application/rss+xml" })).toContain("Jürgen");
  const utf16 = Buffer.from(`\ufeff${xml("UTF-16")}`, "utf16le");
  expect(code(utf16, { "content-type": "text/xml" })).toBe(xml("UTF-16"));
  // the content type is nearer to the sender than the document
  const said = { "content-type": "application/xml; charset=utf-8" };
  expect(code(Buffer.from(xml("ISO-8859-1")), said)).toContain("Jürgen");
});

it("what is not text in its charset is refused, as is what is compressed", () => {
  expect(code(Buffer.from([0xff, 0x7b]))).toBe("not-text");
  expect(code(Buffer.from("Zoë", "latin1"), { "content-type": "application/json" })).toBe("not-text");
  expect(code(Buffer.from(xml("klingon")), { "content-type": "text/xml" })).toBe("not-text");
  expect(code(Buffer.from("x"), { "content-encoding": "gzip" })).toBe("content-encoding");
});
