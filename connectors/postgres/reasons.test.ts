import { expect, it } from "vitest";
import { inWords } from "./reasons.ts";

it("a rule that lists its values is said as that, however PostgreSQL writes it", () => {
  const said = "one of EUR, USD, CHF";
  expect(inWords("(currency = ANY (ARRAY['EUR'::text, 'USD'::text, 'CHF'::text]))")).toBe(said);
  expect(
    inWords(
      "((currency)::text = ANY ((ARRAY['EUR'::character varying, 'USD'::character varying, 'CHF'::character varying])::text[]))",
    ),
  ).toBe(said);
  expect(inWords("(place = ANY (ARRAY['L''Aquila'::text]))")).toBe("one of L'Aquila");
});

it("any other rule stays the expression it is, with its brackets in pairs", () => {
  expect(inWords("(credit >= (0)::numeric)")).toBe("credit >= 0");
  expect(inWords("((size = ANY (ARRAY[1, 2])) OR (size > 10))")).toBe("(size IN (1, 2)) OR (size > 10)");
});
