import { expect, it } from "vitest";
import { readableBody } from "./readable-body.ts";

it("indents JSON and leaves all else as it came", () => {
  expect(readableBody({ body: '{"a":1}', contentType: "application/json; charset=utf-8", shortened: false })).toBe(
    '{\n  "a": 1\n}',
  );
  expect(readableBody({ body: "a=1&b=2", contentType: "application/x-www-form-urlencoded", shortened: false })).toBe(
    "a=1&b=2",
  );
  expect(readableBody({ body: '{"a":1', contentType: "application/json", shortened: true })).toBe('{"a":1');
});
