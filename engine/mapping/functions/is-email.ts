import { defineFunction } from "../function.ts";

/** The form browsers accept in a field of type e-mail (HTML standard), with a dot in the domain. */
const EMAIL =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/i;

export const isEmail = defineFunction({
  name: "ISEMAIL",
  chain: "isEmail",
  category: "logic",
  summary: "Whether a text has the form of an e-mail address.",
  parameters: [{ name: "text", type: "any", summary: "text to test" }],
  returns: "boolean",
  examples: [
    { formula: 'ISEMAIL("ana@example.com")', output: true },
    { formula: 'ISEMAIL("ana@example")', output: false },
    { formula: "ISEMAIL(NULL)", output: false },
  ],
  apply: ([text]) => typeof text === "string" && text.length <= 320 && EMAIL.test(text),
});
