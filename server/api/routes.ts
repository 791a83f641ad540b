/** All routes of `/api/v1`, one line per noun, in alphabetical order. */
import { approvalRoutes } from "../approvals/api.ts";
import { connectionRoutes } from "../connections/api.ts";
import { letterRoutes } from "../dead-letters/api.ts";
import { deliveryRoutes } from "../events/api.ts";
import { flowRoutes } from "../flows/api.ts";
import { recordRoutes } from "../ledger/api.ts";
import { runRoutes } from "../runs/api.ts";
import { tokenRoutes } from "../tokens/api.ts";
import { topicRoutes } from "../topics/api.ts";
import { documentRoute } from "./document.ts";
import { healthRoutes } from "./health.ts";
import type { Route } from "./route.ts";

const nouns: Route[] = [
  ...approvalRoutes,
  ...connectionRoutes,
  ...letterRoutes,
  ...deliveryRoutes,
  ...flowRoutes,
  ...healthRoutes,
  ...recordRoutes,
  ...runRoutes,
  ...tokenRoutes,
  ...topicRoutes,
];

export const routes: Route[] = [...nouns, documentRoute(nouns)];
