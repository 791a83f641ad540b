import { describe, expect, it } from "vitest";
import { breachesOf, importsOf } from "./check-imports.mjs";

const specifiers = (source: string) => importsOf(source).map(({ specifier }) => specifier);

describe("finding imports", () => {
  it("finds every way to import, with its line", () => {
    const source = [
      'import a from "a";',
      "import { b,",
      "  bb } from 'b';",
      'import "c.css";',
      'export * from "d";',
      'export { e } from "e";',
      'const f = await import("f");',
      "const g = await import(`g`);",
      'import * as h from "h";',
      'const i = require("i");',
      'import j, { type J } from "j";',
    ].join("\n");
    expect(importsOf(source).map(({ specifier, line }) => `${specifier}:${line}`)).toEqual([
      "a:1",
      "b:3",
      "c.css:4",
      "d:5",
      "e:6",
      "f:7",
      "g:8",
      "h:9",
      "i:10",
      "j:11",
    ]);
  });

  it("tells types from values", () => {
    const source =
      'import type { A } from "a";\nexport type { B } from "b";\nimport { type C } from "c";\nimport type from "d";\nimport type * as E from "e";';
    expect(importsOf(source).map(({ typeOnly }) => typeOnly)).toEqual([true, true, false, false, true]);
  });

  it("is not taken in by comments, texts, templates, regular expressions and apostrophes", () => {
    const source = [
      '// import a from "a";',
      '/* import b from "b"; */',
      "const text = 'import c from \"c\"';",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source text under test
      'const template = `import d from "d"; ${call(`import "e"`)}`;',
      "const regex = /[\"'`]/; const half = 1 / 2;",
      'return <p>Don\'t import it from "f" now</p>;',
      'const from = "g";',
      'import real from "real";',
    ].join("\n");
    expect(specifiers(source)).toEqual(["real"]);
  });
});

describe("the arrows", () => {
  const breaks = (file: string, source: string) => breachesOf(file, source).length > 0;
  const imports = (from: string) => `import { x } from "${from}";`;
  const types = (from: string) => `import type { X } from "${from}";`;

  it("names file, line, arrow and what is allowed", () => {
    expect(breachesOf("engine/flow/plan.ts", `\n${imports("../../server/flows/list-flows.ts")}`)).toEqual([
      expect.stringMatching(
        /^engine\/flow\/plan\.ts:2 engine → server\/flows\/list-flows\.ts is not allowed: engine may import engine, .*zod/,
      ),
    ]);
  });

  it.each([
    ["connectors/sdk/types.ts", "undici"],
    ["connectors/sdk/types.ts", "node:fs"],
    ["connectors/sdk/types.ts", "../../engine/flow/plan.ts"],
    ["connectors/postgres/sink.ts", "../csv/read.ts"],
    ["connectors/postgres/sink.ts", "../../engine/ports.ts"],
    ["connectors/postgres/sink.ts", "graphile-worker"],
    ["connectors/registry.ts", "../server/context.ts"],
    ["engine/run/page.ts", "node:crypto"],
    ["engine/run/page.ts", "pg"],
    ["engine/run/page.ts", "react"],
    ["engine/run/page.ts", "../../connectors/postgres/sink.ts"],
    ["engine/run/page.ts", "../../connectors/registry.ts"],
    ["engine/run/page.ts", "../../connectors/sdk/http.ts"],
    ["server/flows/list-flows.ts", "../../connectors/postgres/connector.ts"],
    ["server/flows/list-flows.ts", "../../components/ui/button.tsx"],
    ["server/flows/list-flows.ts", "../../worker/main.ts"],
    ["worker/tasks/run-flow.ts", "../../app/page.tsx"],
    ["worker/tasks/run-flow.ts", "../../connectors/csv/read.ts"],
    ["worker/tasks/run-flow.ts", "next/server"],
    ["components/mapper/line.tsx", "../../server/flows/list-flows.ts"],
    ["components/mapper/line.tsx", "../../engine/run/process-page.ts"],
    ["components/mapper/line.tsx", "@xyflow/react"],
    ["components/ui/button.tsx", "../mapper/line.tsx"],
    ["components/canvas/canvas.tsx", "node:path"],
    ["app/page.tsx", "../worker/main.ts"],
    ["app/page.tsx", "../connectors/registry.ts"],
    ["app/page.tsx", "pg"],
    ["app/page.tsx", "../../elsewhere/file.ts"],
  ])("%s may not import %s", (file, specifier) => {
    expect(breaks(file, imports(specifier))).toBe(true);
  });

  it.each([
    ["connectors/sdk/http.ts", "undici"],
    ["connectors/sdk/http.ts", "node:stream"],
    ["connectors/postgres/sink.ts", "pg-cursor"],
    ["connectors/postgres/sink.ts", "./sql.ts"],
    ["connectors/postgres/sink.ts", "../sdk/errors.ts"],
    ["connectors/registry.ts", "./csv/connector.ts"],
    ["engine/run/page.ts", "../../connectors/sdk/errors.ts"],
    ["server/flows/list-flows.ts", "../../connectors/registry.ts"],
    ["server/main.ts", "next"],
    ["worker/main.ts", "../server/db/prisma.ts"],
    ["components/mapper/line.tsx", "../../engine/mapping/parse.ts"],
    ["components/canvas/canvas.tsx", "@xyflow/react"],
    ["app/page.tsx", "../components/ui/button.tsx"],
    ["app/api/trpc/route.ts", "../../../server/trpc/root.ts"],
  ])("%s may import %s", (file, specifier) => {
    expect(breachesOf(file, imports(specifier))).toEqual([]);
  });

  it("lets the screen name types of the server, not use its code", () => {
    expect(breaks("components/mapper/line.tsx", types("../../server/trpc/root.ts"))).toBe(false);
    expect(breachesOf("components/mapper/line.tsx", imports("../../server/trpc/root.ts"))).toEqual([
      expect.stringContaining("only types of it may be named"),
    ]);
  });

  it("lets tests use helpers, connectors and packages, but not turn an arrow round", () => {
    expect(breaks("engine/run/page.test.ts", imports("vitest"))).toBe(false);
    expect(breaks("engine/run/page.test.ts", imports("../../connectors/testing/fixture.ts"))).toBe(false);
    expect(breaks("engine/run/page.test.ts", imports("../../server/context.ts"))).toBe(true);
  });

  it("refuses folders in which everything collects", () => {
    expect(breachesOf("server/utils/text.ts", "")).toEqual([expect.stringContaining('folder "utils"')]);
    expect(breachesOf("components/lib/x.ts", "")).toHaveLength(1);
    expect(breachesOf("components/library/x.ts", "")).toEqual([]);
  });
});
