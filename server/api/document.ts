import { z } from "zod";
import { HOOK_PATH, hookPathItem } from "../intake/hook-path.ts";
import { openApiDocument } from "./openapi.ts";
import { definePublicRoute, type Route } from "./route.ts";

/** The route that serves the OpenAPI document of `routes` and itself. */
export function documentRoute(routes: Route[]): Route {
  let document: { [name: string]: unknown } | undefined;
  const route = definePublicRoute({
    method: "GET",
    path: "/openapi.json",
    summary: "This interface as an OpenAPI 3.1 document",
    response: z.record(z.string(), z.unknown()),
    async handle() {
      document ??= openApiDocument([...routes, route], { [HOOK_PATH]: hookPathItem });
      return document;
    },
  });
  return route;
}
