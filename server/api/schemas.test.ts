import { expect, it } from "vitest";
import { listed } from "./schemas.ts";

it("says of every field whether it is required: what a sink demands, what a stream never leaves empty", () => {
  const fields = [
    { name: "id", type: "integer" as const, required: true },
    { name: "note", type: "text" as const, nullable: false },
    { name: "address", type: "record" as const, fields: [{ name: "city", type: "text" as const, nullable: false }] },
  ];
  const said = (as: "stream" | "sink") =>
    listed({ fields }, as).fields.map(({ name, required, fields: inner }) => [name, required, inner?.[0]?.required]);
  expect(said("sink")).toEqual([
    ["id", true, undefined],
    ["note", false, undefined],
    ["address", false, false],
  ]);
  expect(said("stream")).toEqual([
    ["id", true, undefined],
    ["note", true, undefined],
    ["address", false, true],
  ]);
});
