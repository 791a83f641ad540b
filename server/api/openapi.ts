/** The OpenAPI 3.1 document of `/api/v1`, generated from the routes; only the address of webhooks, which is none, is written by hand. */
import { z } from "zod";
import { version } from "../version.ts";
import type { Route } from "./route.ts";
import { ErrorSchema } from "./schemas.ts";

type Json = { [name: string]: unknown };

/** Schemas with `.meta({ id })` move to components, so that each is described once. */
class Components {
  readonly schemas: Json = {};

  add(schema: z.ZodType, io: "input" | "output"): Json {
    const { $schema: _, $defs, ...body } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json;
    for (const [name, definition] of Object.entries(($defs ?? {}) as Json)) this.schemas[name] = relocated(definition);
    const { id } = (z.globalRegistry.get(schema) ?? {}) as { id?: string };
    if (!id) return relocated(body) as Json;
    if (!("$ref" in body)) this.schemas[id] = relocated(body); // else it is among the definitions already
    return { $ref: `#/components/schemas/${id}` };
  }
}

/** `#/$defs/X` of a schema standing alone becomes `#/components/schemas/X` of the document. */
function relocated(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(relocated);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name]) => name !== "id" || typeof (node as Json).id !== "string" || !("type" in node))
      .map(([name, value]) => [
        name,
        name === "$ref" && typeof value === "string"
          ? value.replace(/^#\/\$defs\//, "#/components/schemas/")
          : relocated(value),
      ]),
  );
}

const statusWords: { [status: number]: string } = {
  400: "The body is not JSON (`not-json`), or the request does not fit (`invalid`; `details` says where).",
  401: "No token, or an unknown one.",
  403: "The token's role may not do this.",
  404: "There is no such thing in this workspace.",
  409: "The state of things does not allow it now.",
  413: "The body is larger than 10 MB.",
  422: "Well formed, but it cannot be carried out.",
  502: "The other system did not answer.",
};

function failuresOf(route: Route): Map<number, string[]> {
  const failures = new Map<number, string[]>();
  const add = (status: number, code: string) => failures.set(status, [...(failures.get(status) ?? []), code]);
  if (route.params || route.query || route.body) add(400, "invalid");
  if (route.body) {
    add(400, "not-json");
    add(413, "body-too-large");
  }
  if (route.role !== "public") {
    add(401, "unauthorized");
    add(403, "forbidden");
  }
  if (route.params) add(404, "not-found");
  for (const [code, status] of Object.entries(route.failures ?? {})) add(status, code);
  return failures;
}

function parameters(route: Route): Json[] {
  const list = (schema: z.ZodType | undefined, place: "path" | "query") => {
    if (!schema) return [];
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as {
      properties?: { [name: string]: Json };
      required?: string[];
    };
    return Object.entries(properties).map(([name, { description, ...rest }]) => ({
      name,
      in: place,
      required: place === "path" || required.includes(name),
      ...(description ? { description } : {}),
      schema: rest,
    }));
  };
  return [...list(route.params, "path"), ...list(route.query, "query")];
}

function operation(route: Route, components: Components): Json {
  const error = components.add(ErrorSchema, "output");
  const content = (schema: Json, example?: unknown, yaml?: unknown) => ({
    "application/json": { schema, ...(example === undefined ? {} : { example }) },
    ...(yaml === undefined ? {} : { "application/yaml": { schema } }),
  });
  const responses: Json = {
    [route.status]: {
      description: route.summary,
      content: content(components.add(route.response, "output"), route.example?.response, route.yaml?.write),
    },
  };
  for (const [status, codes] of failuresOf(route)) {
    const description = `${statusWords[status] ?? "It failed."} Codes: ${codes.map((code) => `\`${code}\``).join(", ")}.`;
    responses[status] = { description, content: content(error) };
  }
  responses.default = { description: "Anything else, as the same shape.", content: content(error) };
  const noun = route.path.split("/")[1] ?? "";
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[^a-zA-Z]+(\w?)/g, (_all, next) => next.toUpperCase())}`,
    tags: [noun],
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    ...(route.role === "public" ? { security: [] } : { "x-least-role": route.role }),
    parameters: parameters(route),
    ...(route.body
      ? {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: content(components.add(route.body, "input"), route.example?.body, route.yaml?.read),
          },
        }
      : {}),
    responses,
  };
}

/** @param beside path items of what is served beside the routes */
export function openApiDocument(routes: Route[], beside: Json = {}): Json {
  const components = new Components();
  const paths: { [path: string]: Json } = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([^/]+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, components) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Plumbline",
      version,
      description:
        "Flows, runs, failed records and the change ledger. Lists are `{ items, next }`; ask for the following page with `?cursor=` and `next`.",
    },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }],
    paths: { ...paths, ...beside },
    components: {
      schemas: components.schemas,
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token: Settings, API tokens." },
      },
    },
  };
}
