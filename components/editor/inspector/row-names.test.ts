import { expect, it } from "vitest";
import { nameFor } from "./row-names.ts";

it("a field is called as in the record it comes from, unless that name is taken", () => {
  expect(nameFor("city", [])).toBe("city");
  expect(nameFor("address.city", [])).toBe("city");
  expect(nameFor('address["post code"]', [])).toBe("post code");
  expect(nameFor("address.city", ["city", "city_2"])).toBe("city_3");
});
