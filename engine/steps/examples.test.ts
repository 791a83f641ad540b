import { describe, expect, it } from "vitest";
import type { StepContext, StepDefinition, StepExample } from "./define-step.ts";
import { stepDefinitions } from "./registry.ts";
import { OPEN } from "./shape.ts";
import { deepFreeze, findIn, memoryContext } from "./testing.ts";

/** Runs a step over records as one page. */
async function run(definition: StepDefinition, example: StepExample, context: StepContext) {
  const { step: settings, input: records, origins = records.map((_, index) => index) } = example;
  const step = definition.schema.parse({ id: definition.kind, ...settings });
  const site = { step, input: OPEN, world: { connections: new Map() } };
  const execute = definition.compile!(site);
  return execute(deepFreeze({ records, origins }), context);
}

for (const definition of stepDefinitions) {
  describe(`step kind ${definition.kind}`, () => {
    it("is described for the palette and the canvas", () => {
      expect(definition.title).toMatch(/^[A-Z]/);
      expect(definition.summary).toMatch(/\.$/);
      const draft = { id: "new", ...definition.draft() };
      expect(definition.ports(draft).every(({ title }) => title.length > 0)).toBe(true);
      expect(definition.describe(draft)).not.toBe("");
    });

    if (!definition.compile) return;

    it("has examples", () => {
      expect(definition.examples.length).toBeGreaterThan(0);
    });

    it.each(definition.examples)("$title", async (example) => {
      const { holds = [], out = {}, ended = [] } = example;
      const result = await run(definition, example, memoryContext({ find: findIn(holds) }));
      const left = Object.fromEntries(Object.entries(result.out).map(([port, batch]) => [port, batch.records]));
      expect(left).toEqual(out);
      expect((result.published ?? []).map(({ origin: _origin, ...event }) => event)).toEqual(example.published ?? []);
      expect(
        result.ended.map(({ outcome, failure }) => ({ outcome, code: failure?.code, field: failure?.field })),
      ).toEqual(ended.map((end) => ({ outcome: end.outcome, code: end.code, field: end.field })));
    });

    it("keeps the origin of every part, so that what came in is what left or ended", async () => {
      for (const example of definition.examples) {
        const { input, holds = [], origins: given } = example;
        const { out, ended } = await run(definition, example, memoryContext({ find: findIn(holds) }));
        const origins = [...Object.values(out).flatMap((batch) => batch.origins), ...ended.map(({ origin }) => origin)];
        expect([...new Set(origins)].sort()).toEqual([...new Set(given ?? input.keys())]);
        for (const batch of Object.values(out)) expect(batch.origins).toHaveLength(batch.records.length);
      }
    });
  });
}
