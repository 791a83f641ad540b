import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { IdParams, Instant, Ok, Role } from "../api/schemas.ts";
import { PageQuery, pageOfWhole, pageSchema } from "../paging.ts";
import { CreateToken, createToken, listTokens, removeToken } from "./tokens.ts";

const Token = z
  .object({
    id: z.string(),
    name: z.string(),
    role: Role,
    hint: z.string().describe("Its first characters."),
    createdBy: z.string(),
    createdAt: Instant,
    lastUsedAt: Instant.nullable(),
  })
  .meta({ id: "ApiToken" });

export const tokenRoutes = [
  defineRoute({
    method: "GET",
    path: "/tokens",
    role: "admin",
    summary: "All API tokens, without the tokens themselves",
    query: PageQuery,
    response: pageSchema(Token),
    handle: async (ctx, { query }) =>
      pageOfWhole(await listTokens(ctx), query, ({ createdAt, id }) => [-Date.parse(createdAt), id]),
  }),
  defineRoute({
    method: "POST",
    path: "/tokens",
    role: "admin",
    summary: "Make an API token; it is shown this once",
    status: 201,
    body: CreateToken,
    response: z.object({ id: z.string(), token: z.string() }),
    example: { body: { name: "Deployment", role: "builder" }, response: { id: "tok_4f8s", token: "plb_…" } },
    handle: (ctx, { body }) => createToken(ctx, body),
  }),
  defineRoute({
    method: "DELETE",
    path: "/tokens/:id",
    role: "admin",
    summary: "Make an API token stop working",
    params: IdParams,
    response: Ok,
    handle: (ctx, { params }) => removeToken(ctx, params),
  }),
];
