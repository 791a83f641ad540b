import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Codes as our errors are written: `code: "x"`, `new Conflict("x"`, `new Unprocessable("x"`, `new Invalid(…, [], "x")`. */
function codesOf(source: string): string[] {
  const patterns = [
    /\bcode: "([a-z][a-z0-9-]*)"/g,
    /\bnew (?:Conflict|Unprocessable)\(\s*"([a-z][a-z0-9-]*)"/g,
    /\bnew Invalid\([^;]*?\],\s*"([a-z][a-z0-9-]*)",?\s*\)/g,
    /\bsuper\("([a-z][a-z0-9-]*)"/g,
  ];
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, code]) => code as string));
}

it("every code the server answers with has a heading in docs/errors.md", () => {
  const headings = new Set(
    [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^## ([a-z0-9-]+)$/gm)].map(([, code]) => code),
  );
  const files = readdirSync(join(root, "server"), { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !/(^|\/)(generated|testing|sample)\//.test(file),
  );
  const missing: string[] = [];
  let found = 0;
  for (const file of files) {
    for (const code of codesOf(readFileSync(join(root, "server", file), "utf8"))) {
      found += 1;
      if (!headings.has(code)) missing.push(`${code} (server/${file})`);
    }
  }
  expect(found).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});
