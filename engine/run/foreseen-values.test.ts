import { expect, it } from "vitest";
import type { SinkInfo } from "../../connectors/sdk/types.ts";
import { ForeseenValues } from "./foreseen-values.ts";

const info = {
  fields: [
    { name: "id", type: "integer" },
    { name: "email", type: "text", unique: true },
  ],
  matchKeys: [["id"]],
} as SinkInfo;
const record = (id: number, email: string | null) => ({ key: String(id), values: { id, email } });

it("a later record with a unique value of an earlier one is told of it", () => {
  const foreseen = new ForeseenValues();
  foreseen.hold("w", info, record(1, "a@x"));
  expect([...foreseen.clashing("w", info, [record(2, "a@x"), record(3, "c@x")])]).toEqual([
    ["1", { id: 1, email: "a@x" }],
  ]);
  expect(foreseen.clashing("w", info, [record(1, "a@x")]).size).toBe(0);
  expect(foreseen.clashing("other", info, [record(2, "a@x")]).size).toBe(0);
});

it("empty values never clash, and a value that was changed or deleted is free again", () => {
  const foreseen = new ForeseenValues();
  foreseen.hold("w", info, record(1, null));
  foreseen.hold("w", info, record(2, "b@x"));
  foreseen.hold("w", info, record(2, "new@x"));
  foreseen.hold("w", info, record(3, "c@x"));
  foreseen.free("w", "3");
  expect(foreseen.clashing("w", info, [record(9, null), record(8, "b@x"), record(7, "c@x")]).size).toBe(0);
});

it("values that are unique together clash together", () => {
  const both = { ...info, uniques: [["id"], ["name", "born"], null] } as SinkInfo;
  const person = (id: number, name: string, born: number) => ({ key: String(id), values: { id, name, born } });
  const foreseen = new ForeseenValues();
  foreseen.hold("w", both, person(1, "Ana", 1990));
  const clash = (id: number, name: string, born: number) => foreseen.clashing("w", both, [person(id, name, born)]).size;
  expect([clash(2, "Ana", 1990), clash(3, "Ana", 1991), clash(4, "Bo", 1990)]).toEqual([1, 0, 0]);
});
