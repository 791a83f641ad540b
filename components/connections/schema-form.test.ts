import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type FormField, type FormNode, readForm } from "./schema-form.ts";
import { BrokenJson, cleanValues, formProblems, readJson, startValues } from "./schema-values.ts";

const form = (schema: z.ZodType) => readForm(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
const nodeOf = (fields: FormField[], name: string): FormNode => {
  const found = fields.find((field) => field.name === name);
  if (!found) throw new Error(`no field ${name}`);
  return found.node;
};

const action = z.strictObject({ path: z.string(), ok: z.array(z.int()).optional() });
const rest = form(
  z.strictObject({
    baseUrl: z.url().meta({ title: "Base URL", description: "Such as https://api.example.com" }),
    auth: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("none").meta({ title: "None" }) }),
        z.strictObject({
          kind: z.literal("oauth2"),
          tokenUrl: z.url(),
          clientIn: z.enum(["header", "body"]).default("header"),
        }),
      ])
      .default({ kind: "none" }),
    headers: z.record(z.string(), z.string()).optional(),
    timeoutMs: z.int().min(100).max(600_000).default(30_000),
    ssl: z.boolean().default(false),
    streams: z
      .array(
        z.strictObject({ name: z.string().min(1), key: z.array(z.string()).default([]), create: action.optional() }),
      )
      .default([]),
    schema: z.record(z.string(), z.json()).optional(),
  }),
);

describe("a form read from a schema", () => {
  it("has a fitting control for every field", () => {
    expect(rest.map(({ name, node }) => [name, node.kind])).toEqual([
      ["baseUrl", "text"],
      ["auth", "variants"],
      ["headers", "pairs"],
      ["timeoutMs", "number"],
      ["ssl", "toggle"],
      ["streams", "list"],
      ["schema", "json"],
    ]);
  });
  it("takes titles and hints, and makes them of names where there are none", () => {
    expect(nodeOf(rest, "baseUrl")).toMatchObject({
      title: "Base URL",
      hint: "Such as https://api.example.com",
      optional: false,
      url: true,
    });
    expect(nodeOf(rest, "timeoutMs")).toMatchObject({
      title: "Timeout ms",
      optional: true,
      min: 100,
      max: 600_000,
      default: 30_000,
    });
  });
  it("knows the variants of a union and what each needs", () => {
    const auth = nodeOf(rest, "auth") as FormNode & { kind: "variants" };
    expect(auth.by).toBe("kind");
    expect(auth.variants.map(({ value, title, fields }) => [value, title, fields.map((field) => field.name)])).toEqual([
      ["none", "None", []],
      ["oauth2", "Oauth2", ["tokenUrl", "clientIn"]],
    ]);
  });
  it("marks secrets, whose values never come back", () => {
    const fields = form(z.object({ user: z.string(), password: z.string().meta({ secret: true }) }));
    expect(fields.map(({ node }) => node.kind === "text" && node.secret)).toEqual([false, true]);
  });
  it("ends in a JSON box where a schema refers to itself", () => {
    type Tree = { name: string; inner?: Tree };
    const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), inner: tree.optional() }));
    expect(JSON.stringify(form(z.object({ tree })))).toContain('"json"');
  });
  it("is empty for something that is no schema", () => {
    expect(readForm(null)).toEqual([]);
    expect(readForm("text")).toEqual([]);
  });
});

describe("values of a form", () => {
  it("start with the defaults", () => {
    expect(startValues(rest)).toEqual({ auth: { kind: "none" }, timeoutMs: 30_000, ssl: false });
  });
  it("are sent without empty boxes and without what another variant had", () => {
    const values = {
      baseUrl: " https://a.example ",
      auth: { kind: "none", tokenUrl: "https://left.over" },
      headers: { "": "x" },
      timeoutMs: "",
    };
    expect(cleanValues(rest, values)).toEqual({ baseUrl: "https://a.example", auth: { kind: "none" } });
  });
  it("keep the items of a list", () => {
    expect(cleanValues(rest, { streams: [{ name: "orders", key: ["id"] }] })).toEqual({
      streams: [{ name: "orders", key: ["id"] }],
    });
  });
  it("keep blanks of a secret", () => {
    const fields = form(z.object({ password: z.string().meta({ secret: true }) }));
    expect(cleanValues(fields, { password: " x " })).toEqual({ password: " x " });
  });
});

describe("problems of a form", () => {
  it("are named where they are", () => {
    const problems = formProblems(rest, {
      baseUrl: "nowhere",
      auth: { kind: "oauth2" },
      timeoutMs: 5,
      streams: [{ name: "orders" }, {}],
    });
    expect(Object.keys(problems)).toEqual(["baseUrl", "auth.tokenUrl", "timeoutMs", "streams.1.name"]);
    expect(problems.timeoutMs).toBe("At least 100.");
  });
  it("are none for a stored secret that stays as it is", () => {
    const fields = form(z.object({ password: z.string().meta({ secret: true }) }));
    expect(formProblems(fields, {})).toEqual({ password: "This is needed." });
    expect(formProblems(fields, {}, new Set(["password"]))).toEqual({});
  });
  it("an optional group that is not opened needs nothing; an opened one does", () => {
    const fields = form(z.object({ update: action.optional() }));
    expect(formProblems(fields, {})).toEqual({});
    expect(formProblems(fields, { update: {} })).toEqual({ "update.path": "This is needed." });
  });
  it("JSON that does not parse yet is kept and named", () => {
    expect(readJson('{"a":1}')).toEqual({ a: 1 });
    expect(readJson(" ")).toBeUndefined();
    const broken = readJson("{");
    expect(broken).toBeInstanceOf(BrokenJson);
    expect(formProblems(rest, { baseUrl: "https://a.example", auth: { kind: "none" }, schema: broken })).toHaveProperty(
      "schema",
    );
  });
});
