import { expect, it } from "vitest";
import { storableJson } from "./storable.ts";

it("what PostgreSQL cannot keep becomes U+FFFD; everything else stays what it was", () => {
  const kept = (value: unknown) => JSON.parse(storableJson(value)) as unknown;
  expect(kept({ "k\u0000": ["a\u0000b", "\ud800", "x\udc00"] })).toEqual({
    "k\ufffd": ["a\ufffdb", "\ufffd", "x\ufffd"],
  });
  for (const plain of ["\\u0000", "\\\\ud800", "😀 \u001f\n", "\ufffd", "C:\\u0000\\d800"])
    expect(kept(plain)).toBe(plain);
  expect(kept("\\\u0000")).toBe("\\\ufffd");
});
