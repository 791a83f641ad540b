/** All routes of `/api/v1`, one line per noun, in alphabetical order. */
import { connectionRoutes } from "../connections/api.ts";
import { tokenRoutes } from "../tokens/api.ts";
import { documentRoute } from "./document.ts";
import { healthRoutes } from "./health.ts";
import type { Route } from "./route.ts";

const nouns: Route[] = [...connectionRoutes, ...healthRoutes, ...tokenRoutes];

export const routes: Route[] = [...nouns, documentRoute(nouns)];
