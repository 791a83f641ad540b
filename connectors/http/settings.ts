/** Settings and credentials of an HTTP connection; the connection form is drawn from these. Secrets stand in credentials only. */
import { z } from "zod";
import { IntegrationError } from "../sdk/errors.ts";
import type { HttpAuth } from "../sdk/http-auth.ts";
import type { Json } from "../sdk/types.ts";

const json: z.ZodType<Json> = z.json() as z.ZodType<Json>;
const object = z.record(z.string(), json);
const fields = z.array(z.string().min(1));
const method = z.enum(["POST", "PUT", "PATCH", "DELETE", "GET"]);
const path = z
  .string()
  .meta({ title: "Path", description: "Added to the base URL; {field} is filled from the record" });
const dotPath = (title: string, description: string) => z.string().min(1).optional().meta({ title, description });

const auth = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none").meta({ title: "None" }) }),
    z.strictObject({ kind: z.literal("basic").meta({ title: "User name and password" }) }),
    z.strictObject({ kind: z.literal("bearer").meta({ title: "Bearer token" }) }),
    z.strictObject({
      kind: z.literal("apiKey").meta({ title: "API key" }),
      name: z.string().min(1).default("X-Api-Key").meta({ title: "Name of the header or query parameter" }),
      in: z.enum(["header", "query"]).default("header").meta({ title: "Sent in" }),
    }),
    z.strictObject({
      kind: z.literal("oauth2").meta({ title: "OAuth 2 client credentials" }),
      tokenUrl: z.url().meta({ title: "Token URL" }),
      scope: z.string().optional().meta({ title: "Scope" }),
      audience: z.string().optional().meta({ title: "Audience" }),
      clientIn: z.enum(["header", "body"]).default("header").meta({ title: "Client id and secret go in" }),
    }),
  ])
  .default({ kind: "none" })
  .meta({ title: "Sign-in", description: "How requests prove who we are; the secrets themselves are credentials" });

const size = z.int().min(1).max(10_000).default(100).meta({ title: "Records per page asked for" });
const sizeParam = z.string().optional().meta({ title: "Query parameter for the page size" });
const total = dotPath("Total", "Where the answer holds the number of all records");
const paging = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none").meta({ title: "Everything in one answer" }) }),
    z.strictObject({
      kind: z.literal("page").meta({ title: "Page number" }),
      param: z.string().min(1).default("page").meta({ title: "Query parameter for the page" }),
      first: z.int().default(1).meta({ title: "Number of the first page" }),
      sizeParam,
      size,
      total,
    }),
    z.strictObject({
      kind: z.literal("offset").meta({ title: "Offset" }),
      param: z.string().min(1).default("offset").meta({ title: "Query parameter for the offset" }),
      sizeParam: z.string().default("limit").meta({ title: "Query parameter for the page size" }),
      size,
      total,
    }),
    z.strictObject({
      kind: z.literal("cursor").meta({ title: "Cursor in the answer" }),
      param: z.string().min(1).default("cursor").meta({ title: "Query parameter for the cursor" }),
      next: z.string().min(1).default("next").meta({
        title: "Path of the next cursor",
        description: 'Such as "meta.next", or "data.-1.id" for the last record\'s id',
      }),
      more: dotPath(
        "Path of “there is more”",
        "A true/false value; needed where the next cursor is the last record's id",
      ),
      sizeParam,
      size,
    }),
    z.strictObject({ kind: z.literal("link").meta({ title: "Link header" }), sizeParam, size }),
    z.strictObject({
      kind: z.literal("nextUrl").meta({ title: "Address of the next page in the answer" }),
      next: z.string().min(1).default("next").meta({ title: "Path of the address" }),
      sizeParam,
      size,
    }),
  ])
  .optional()
  .meta({ title: "Paging", description: "Left out: one answer, and the Link header is followed where there is one" });

const stream = z.strictObject({
  name: z.string().min(1).meta({ title: "Name" }),
  title: z.string().optional().meta({ title: "Title" }),
  path,
  items: dotPath(
    "Path of the list",
    'Where the answer holds the records, such as "data.items"; left out: the answer itself, or the only list in it',
  ),
  key: fields.default([]).meta({ title: "Key fields" }),
  changedAt: z.string().optional().meta({ title: "Field that grows with each change" }),
  sorted: z.boolean().default(false).meta({
    title: "Comes oldest change first",
    description: "Then a broken-off run goes on from the last page's watermark",
  }),
  since: z
    .strictObject({
      param: z
        .string()
        .min(1)
        .meta({ title: "Query parameter", description: "Takes the watermark, so that only changes are sent" }),
      format: z.enum(["as-is", "iso", "date", "unix", "unix-ms"]).default("as-is").meta({ title: "Format" }),
    })
    .optional()
    .meta({ title: "Ask for changes only" }),
  paging,
  query: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .meta({ title: "Further query parameters", confidential: true }),
  lookup: z
    .strictObject({
      path: path.meta({
        title: "Path",
        description: "With the fields looked up by in braces: /customers/{id} or /customers?email={email}",
      }),
      item: dotPath("Path of the record", "A record or a list of them; left out: the answer itself"),
      concurrency: z.int().min(1).max(32).default(4).meta({ title: "Requests at once" }),
    })
    .optional()
    .meta({
      title: "Look up",
      description: "Address of single records; left out: the whole list is read for lookups, if it is small",
    }),
  sample: z.array(object).optional().meta({ title: "Sample records", confidential: true }),
  schema: object.optional().meta({ title: "JSON Schema of a record" }),
});

const action = z.strictObject({
  method: method.optional().meta({ title: "Method" }),
  path,
  body: json
    .optional()
    .meta({ title: "Body", description: 'Left out: the record itself. A template holds "{field}" where values go' }),
  item: dotPath("Path of the record in the answer", "Left out: the answer itself"),
  ok: z.array(z.int()).optional().meta({ title: "Further statuses that mean success" }),
});

const sink = z.strictObject({
  name: z.string().min(1).meta({ title: "Name" }),
  title: z.string().optional().meta({ title: "Title" }),
  key: fields.default([]).meta({ title: "Key fields", description: "They identify one record" }),
  id: dotPath("Path of the remote id", "In the answer to a create; {remoteId} stands for it in paths"),
  create: action.meta({ title: "Create" }),
  update: action
    .extend({
      merge: z.boolean().optional().meta({
        title: "Send the whole record",
        description:
          "What was read back with the changes laid over it; left out: for PUT and POST, so that fields that are not mapped stay",
      }),
    })
    .optional()
    .meta({ title: "Update" }),
  delete: action.optional().meta({ title: "Delete" }),
  read: z
    .strictObject({ path, item: dotPath("Path of the record", 'Left out: the answer itself; "items.0" for a search') })
    .optional()
    .meta({
      title: "Read back",
      description: "Finds one record by its key: needed for before-images, the dry run and undo",
    }),
  wrap: z
    .string()
    .optional()
    .meta({ title: "Wrap the body in", description: 'With "customer" the body is { "customer": … }, in answers too' }),
  idempotencyHeader: z.string().optional().meta({
    title: "Idempotency header",
    description: "Such as Idempotency-Key; a repeat with the same key acts once",
  }),
  schema: object.optional().meta({ title: "JSON Schema of a record" }),
  concurrency: z.int().min(1).max(64).default(4).meta({ title: "Requests at once" }),
  batchSize: z.int().min(1).max(5_000).default(200).meta({ title: "Records per page" }),
});

const uniqueNames = (list: { name: string }[]) => new Set(list.map((one) => one.name)).size === list.length;

export const httpSettings = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .refine((url) => {
      const { username, password } = URL.canParse(url) ? new URL(url) : { username: "", password: "" };
      return username === "" && password === "";
    }, "Expected an address without a user name or password, found one with: everybody who may look at settings would see it. Choose a kind of sign-in and enter it under the credentials.")
    .meta({ title: "Base URL", description: "Such as https://api.example.com/v2" }),
  auth,
  headers: z.record(z.string(), z.string()).optional().meta({
    title: "Headers",
    description: "Sent with every request. No secrets: these are shown",
    confidential: true,
  }),
  checkPath: z
    .string()
    .optional()
    .meta({ title: "Path for the check", description: "Left out: the first stream's path" }),
  timeoutMs: z.int().min(100).max(600_000).default(30_000).meta({ title: "Longest wait for an answer, in ms" }),
  streams: z
    .array(stream)
    .default([])
    .refine(uniqueNames, "Two streams have the same name.")
    .meta({ title: "Streams", description: "What flows can read here: one for each list, such as orders." }),
  sinks: z
    .array(sink)
    .default([])
    .refine(uniqueNames, "Two sinks have the same name.")
    .meta({ title: "Sinks", description: "What flows can write here: one for each kind of record, such as invoices." }),
});

const secret = (title: string) => z.string().optional().meta({ title, secret: true });

export const httpCredentials = z.strictObject({
  username: z.string().optional().meta({ title: "User name" }),
  password: secret("Password"),
  token: secret("Bearer token"),
  apiKey: secret("API key"),
  clientId: z.string().optional().meta({ title: "Client id" }),
  clientSecret: secret("Client secret"),
});

export type HttpSettings = z.infer<typeof httpSettings>;
export type HttpCredentials = z.infer<typeof httpCredentials>;
export type HttpStream = HttpSettings["streams"][number];
export type HttpSink = HttpSettings["sinks"][number];
export type HttpAction = z.infer<typeof action>;
export type Paging = NonNullable<HttpStream["paging"]>;

/**
 * Settings and secrets put together.
 *
 * @throws IntegrationError "credentials-missing" (credentials) that names those the kind of sign-in needs
 */
export function authOf(name: string, { auth }: HttpSettings, credentials: HttpCredentials): HttpAuth {
  const need = (...names: (keyof HttpCredentials)[]) => {
    const missing = names.filter((one) => !credentials[one]);
    if (missing.length === 0) return names.map((one) => credentials[one]!);
    throw new IntegrationError(
      `${name}: sign-in by "${auth.kind}" needs ${missing.map((one) => `"${one}"`).join(" and ")} in the credentials. Enter ${missing.length > 1 ? "them" : "it"} under Connections.`,
      { kind: "credentials", code: "credentials-missing", field: missing[0] },
    );
  };
  switch (auth.kind) {
    case "none":
      return { kind: "none" };
    case "basic": {
      const [username] = need("username");
      return { kind: "basic", username: username!, password: credentials.password ?? "" };
    }
    case "bearer":
      return { kind: "bearer", token: need("token")[0]! };
    case "apiKey":
      return { kind: "apiKey", name: auth.name, in: auth.in, value: need("apiKey")[0]! };
    case "oauth2": {
      const [clientId, clientSecret] = need("clientId", "clientSecret");
      const { tokenUrl, scope, audience, clientIn } = auth;
      return { kind: "oauth2", tokenUrl, scope, audience, clientIn, clientId: clientId!, clientSecret: clientSecret! };
    }
  }
}
