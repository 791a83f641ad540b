import { expect, it } from "vitest";
import { byName } from "./sort.ts";

it("names are sorted as people read them", () => {
  const names = byName(["Depot 10", "éclair", "depot 9", "Zoo"].map((name) => ({ name }))).map(({ name }) => name);
  expect(names).toEqual(["depot 9", "Depot 10", "éclair", "Zoo"]);
});
