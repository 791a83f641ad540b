import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { publishedJsonSchema } from "./json-schema.ts";
import { stepSchemas } from "./schema.ts";

const file = new URL("../../docs/flow-document.schema.json", import.meta.url);
const refresh =
  "UPDATE_FLOW_SCHEMA=1 npx vitest run --project unit engine/flow/json-schema, then npx biome check --write docs";

describe("the published JSON Schema", () => {
  it("in docs/ is the one of this version", () => {
    const schema = publishedJsonSchema();
    if (process.env.UPDATE_FLOW_SCHEMA) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
    expect(JSON.parse(readFileSync(file, "utf8")), `docs/flow-document.schema.json is stale; run ${refresh}`).toEqual(
      schema,
    );
  });

  it("is of draft 2020-12, strict, and describes every step kind and setting", () => {
    const schema = publishedJsonSchema() as {
      $schema: string;
      additionalProperties: boolean;
      properties: {
        steps: {
          items: { oneOf: { properties: { kind: { const: string } }; title: string; additionalProperties: boolean }[] };
        };
      };
    };
    expect(schema.$schema).toContain("2020-12");
    expect(schema.additionalProperties).toBe(false);
    const steps = schema.properties.steps.items.oneOf;
    expect(steps.map(({ properties }) => properties.kind.const)).toEqual(Object.keys(stepSchemas));
    expect(steps.every(({ title, additionalProperties }) => title && additionalProperties === false)).toBe(true);
  });
});
