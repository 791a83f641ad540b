import { z } from "zod";
import { RUN_STATES } from "../../engine/run/states.ts";
import { OUTCOMES } from "../../engine/steps/define-step.ts";
import { defineRoute } from "../api/route.ts";
import { AnyId } from "../db/storable.ts";
import { storedFlow } from "../flows/get-flow.ts";
import { hookSecretState, SetHookSecret, setHookSecret } from "../intake/flow-secrets.ts";
import { PageQuery, pageSchema } from "../paging.ts";
import { ListDeliveries, listDeliveries } from "./list-deliveries.ts";
import { replayDelivery } from "./replay-delivery.ts";

const ById = z.object({ id: AnyId });

const DeliverySchema = z.object({
  id: z.string(),
  runId: z.string().describe("The run it is; the same number"),
  at: z.iso.datetime(),
  eventId: z.string().describe("What the sender calls it; a repeat has the same"),
  status: z.enum(RUN_STATES).describe("State of the run; queued while it waits"),
  outcome: z.enum(OUTCOMES).nullable().describe("The least good of what it brought; null until it has been worked on"),
  contentType: z.string(),
  headers: z.record(z.string(), z.string()).describe("Without secrets"),
  body: z.string().describe("As it came, up to 20,000 characters"),
  bodyBytes: z.number().int(),
  shortened: z.boolean(),
  repeats: z.number().int().describe("How often it came again"),
  lastRepeatAt: z.iso.datetime().nullable(),
  replayOf: z.string().nullable(),
  sentBy: z.string().describe("webhook, or who sent it again"),
});

export const deliveryRoutes = [
  defineRoute({
    method: "GET",
    path: "/flows/:id/deliveries",
    summary: "List what was sent to a flow's webhook, newest first",
    role: "viewer",
    params: ById,
    query: PageQuery.extend({ cursor: ListDeliveries.shape.cursor }),
    response: pageSchema(DeliverySchema),
    handle: (ctx, { params, query }) => listDeliveries(ctx, { ...query, flowId: params.id }),
  }),
  defineRoute({
    method: "POST",
    path: "/deliveries/:id/replay",
    summary: "Take a delivery in once more",
    description: "As a new event with a run of its own.",
    role: "operator",
    status: 202,
    params: ById,
    response: z.object({ id: z.string().describe("The new delivery, and its run") }),
    failures: { "not-published": 409 },
    handle: (ctx, { params }) => replayDelivery(ctx, params.id),
  }),
  defineRoute({
    method: "GET",
    path: "/flows/:id/hook-secret",
    summary: "Say whether a flow's webhook has a signing secret",
    role: "builder",
    params: ById,
    response: z.object({ set: z.boolean(), since: z.iso.datetime().nullable() }),
    async handle(ctx, { params }) {
      await storedFlow(ctx, params.id);
      return await hookSecretState(ctx, params.id);
    },
  }),
  defineRoute({
    method: "POST",
    path: "/flows/:id/hook-secret",
    summary: "Set the secret events are signed with",
    description:
      "Without a secret in the body a new one is made. It is shown this once; the one before is taken for 24 hours more.",
    role: "builder",
    status: 201,
    params: ById,
    body: SetHookSecret.omit({ flowId: true }).default({}),
    response: z.object({ secret: z.string(), earlierUntil: z.iso.datetime().nullable() }),
    handle: (ctx, { params, body }) => setHookSecret(ctx, { ...body, flowId: params.id }),
  }),
];
