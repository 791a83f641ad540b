import { defineFunction } from "../function.ts";
import { withoutAccents } from "../text.ts";

export const unaccent = defineFunction({
  name: "UNACCENT",
  category: "text",
  summary: "Letters without their accents.",
  parameters: [{ name: "text", type: "text", summary: "text to change" }],
  returns: "text",
  examples: [
    { formula: 'UNACCENT("Čačić, Müller, Łódź")', output: "Cacic, Muller, Lodz" },
    { formula: "UNACCENT(NULL)", output: null },
  ],
  apply: ([text]) => withoutAccents(text),
});
