/** All routes of `/api/v1`, one line per noun. */
import { healthRoutes } from "./health.ts";
import type { Route } from "./route.ts";

export const routes: Route[] = [...healthRoutes];
