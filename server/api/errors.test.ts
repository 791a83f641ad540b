import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findCodes, type Source } from "../testing/error-codes.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

const sources: Source[] = ["connectors", "engine", "server", "worker"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter(
      (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !/(^|\/)(generated|testing|sample)\//.test(file),
    )
    .map((file) => ({ path: `${folder}/${file}`, text: readFileSync(join(root, folder, file), "utf8") })),
);

/** What looks like a code of ours and is none, and why. */
const NO_CODES: { [code: string]: string } = {
  custom: "zod's, of an issue that a schema adds",
  syntax: "of a formula's problem in the editor, which is told in words",
  joined: "of a preview, where a record has gone into a group",
  input: "a variable of that name",
  output: "a variable of that name",
};

/** Codes that are put together: from what. */
const PUT_TOGETHER: { [template: string]: string[] } = {
  "${what}-unknown": ["stream-unknown", "sink-unknown"],
};

/** Reasons of formulas and conversions are written with “_” in the engine; a failure has them with “-”. */
function engineCodes(): string[] {
  const union = /type MappingCode =([^;]*);/.exec(textOf("engine/mapping/error.ts"))?.[1] ?? "";
  const mapping = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code as string);
  const conversions = [
    ...textOf("engine/mapping/convert-value.ts").matchAll(
      /\b(?:refuse\(|= )\s*"(\w+)"|\? "(not_an\w+)" : "(not_\w+)"/g,
    ),
  ].flatMap(([, ...codes]) => codes.filter((code) => code !== undefined));
  return [...mapping, ...conversions.map((code) => `write-${code}`)].map((code) => code.replaceAll("_", "-"));
}

const textOf = (path: string) => sources.find((source) => source.path === path)?.text ?? "";

const headings = [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^## (.*)$/gm)].map(
  ([, heading]) => heading as string,
);

it("every code has one heading in docs/errors.md, and every heading is a code", () => {
  const found = findCodes(sources).filter(({ code }) => !(code in NO_CODES) && !code.includes("_"));
  const places = new Map(
    found.flatMap(({ code, path }) => (PUT_TOGETHER[code] ?? [code]).map((one): [string, string] => [one, path])),
  );
  for (const code of engineCodes()) places.set(code, "engine/mapping");
  expect(places.size).toBeGreaterThan(200);
  const missing = [...places].filter(([code]) => !headings.includes(code)).map(([code, path]) => `${code} (${path})`);
  expect(missing).toEqual([]);
  expect(headings.filter((heading) => !places.has(heading))).toEqual([]);
  expect(headings.filter((heading, at) => headings.indexOf(heading) !== at)).toEqual([]);
});

it("codes are found however they are written", () => {
  const text = `
    export function refuse(message: string, code: string) {}
    class Conflict extends Known { constructor(code: string, message: string) { super(message, { code }); } }
    class Taken extends Conflict { constructor() { super("name-taken", "It is taken."); } }
    throw new Conflict("last-owner", \`Of (\${list.map((x) => x, 1)}) one\`);
    const code = late ? "answer-timeout" : "connection-lost";
    return refuse(fn("a, b", ")"), broken ? "bad-quote" : "column-count");
    if (failure.code === "only-asked") fail({ kind: "settings", code: "settings-wrong", cause });
    make({ code: \`\${what}-unknown\` }); other("not-a-code");`;
  const more = { path: "b.ts", text: 'import { refuse } from "./a.ts";\n  refuse("words", "from-elsewhere");' };
  expect(
    findCodes([{ path: "a.ts", text }, more])
      .map(({ code }) => code)
      .sort(),
  ).toEqual(
    [
      "answer-timeout",
      "bad-quote",
      "column-count",
      "connection-lost",
      "from-elsewhere",
      "last-owner",
      "name-taken",
      "settings-wrong",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the source
      "${what}-unknown",
    ].sort(),
  );
});

it("no connector says what happens next: only the run knows whether it tries again", () => {
  const promising = sources
    .filter(
      ({ path, text }) =>
        path.startsWith("connectors/") &&
        /(?:is|be) tried again|tries again|retried/.test(text.replaceAll(/^\s*(?:\*|\/\/|\/\*).*$/gm, "")),
    )
    .map(({ path }) => path);
  expect(promising).toEqual([]);
});
