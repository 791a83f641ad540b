import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { Id, IdParams, Instant, Ok } from "../api/schemas.ts";
import { AnyId } from "../db/storable.ts";
import { PageQuery, pageOfWhole, pageSchema } from "../paging.ts";
import { PublishOptions, publishFromOutside } from "./cloud-events.ts";
import { DELIVERY_STATES, ListSubscriptionDeliveries, listSubscriptionDeliveries } from "./list-deliveries.ts";
import { listTopics } from "./list-topics.ts";
import {
  ChangeSubscription,
  CreateSubscription,
  changeSubscription,
  createSubscription,
  listSubscriptions,
  RetrySubscription,
  removeSubscription,
  retrySubscription,
} from "./subscriptions.ts";

const Types = z.array(z.string()).nullable().describe("null: all types");
const Topic = z
  .object({
    topic: z.string(),
    flows: z
      .array(z.object({ id: z.string(), name: z.string(), types: Types }))
      .describe("Published flows that listen."),
    subscriptions: z.number().int().describe("Subscribers outside."),
    events: z.number().int().describe("Events of the last days."),
    lastAt: Instant.nullable(),
  })
  .meta({ id: "Topic" });

const Subscription = z
  .object({
    id: z.string(),
    topic: z.string(),
    name: z.string(),
    url: z.string(),
    types: Types,
    paused: z.boolean(),
    createdAt: Instant,
    createdBy: z.string(),
    pending: z.number().int(),
    delivered: z.number().int(),
    failed: z.number().int().describe("Given up after about three days; POST …/retry tries them again."),
    lastError: z.string().nullable(),
    down: z
      .object({ since: Instant, nextTryAt: Instant.nullable() })
      .nullable()
      .describe(
        "It does not answer, or allows no more just now: what is pending waits without losing attempts, and goes on when it is back",
      ),
  })
  .meta({ id: "Subscription" });

const SubscriptionDelivery = z
  .object({
    id: z.string().describe("Of the event; also its place in the order they came"),
    eventId: z.string(),
    type: z.string(),
    subject: z.string().nullable(),
    at: Instant,
    state: z.enum(DELIVERY_STATES).describe("failed: given up after about three days"),
    attempts: z.number().int(),
    nextAt: Instant.nullable().describe("When it is tried again"),
    endedAt: Instant.nullable(),
    error: z.string().nullable().describe("Why the last try failed"),
  })
  .meta({ id: "SubscriptionDelivery" });

export const topicRoutes = [
  defineRoute({
    method: "GET",
    path: "/topics",
    role: "viewer",
    summary: "Topics, and who listens to them",
    query: PageQuery,
    response: pageSchema(Topic),
    handle: async (ctx, { query }) => pageOfWhole(await listTopics(ctx), query, ({ topic }) => [topic]),
  }),
  defineRoute({
    method: "POST",
    path: "/topics/:topic/events",
    role: "operator",
    summary: "Publish events",
    description:
      "CloudEvents 1.0: `application/cloudevents+json` (one), `application/cloudevents-batch+json` (a list), or `ce-` headers with the data as body. Any other JSON body is the data of a new event. The same source and id twice are one event.",
    status: 202,
    params: z.object({ topic: AnyId }),
    query: PublishOptions,
    body: z.unknown(),
    response: z.object({
      ids: z.array(z.string()),
      accepted: z.number().int().describe("How many were new; the others were published before"),
    }),
    example: {
      body: { specversion: "1.0", id: "7", source: "/shop", type: "order.created", data: { order_no: "SO-7" } },
      response: { ids: ["7"], accepted: 1 },
    },
    handle: (ctx, { params, query, body, headers }) =>
      publishFromOutside(ctx, params.topic, { body, headers, options: query }),
  }),
  defineRoute({
    method: "GET",
    path: "/subscriptions",
    role: "admin",
    summary: "Systems outside that are sent the events of topics",
    query: PageQuery,
    response: pageSchema(Subscription),
    handle: async (ctx, { query }) =>
      pageOfWhole(await listSubscriptions(ctx), query, ({ topic, name, id }) => [topic, name, id]),
  }),
  defineRoute({
    method: "POST",
    path: "/subscriptions",
    role: "admin",
    summary: "Send a topic's events to an address, as signed webhooks",
    description:
      "Each event is one POST of a CloudEvent (`application/cloudevents+json`), signed as Standard Webhooks describe; anything but 2xx is tried again for about three days; while the address cannot be reached or answers 429, 502, 503 or 504, events wait without losing attempts and go on when it is back. An answer of 410 pauses the subscription. The secret is shown this once.",
    status: 201,
    body: CreateSubscription,
    response: Id.extend({ secret: z.string() }),
    example: {
      body: { topic: "orders", name: "Warehouse", url: "https://warehouse.example.com/hooks/orders" },
      response: { id: "sub_7k2m9x", secret: "whsec_…" },
    },
    handle: (ctx, { body }) => createSubscription(ctx, body),
  }),
  defineRoute({
    method: "PATCH",
    path: "/subscriptions/:id",
    role: "admin",
    summary: "Change name, address or types, pause or resume",
    params: IdParams,
    body: ChangeSubscription.omit({ id: true }),
    response: Ok,
    handle: (ctx, { params, body }) => changeSubscription(ctx, { ...body, id: params.id }),
  }),
  defineRoute({
    method: "GET",
    path: "/subscriptions/:id/deliveries",
    role: "admin",
    summary: "What a subscriber was sent or is to be sent, newest first",
    params: IdParams,
    query: ListSubscriptionDeliveries.omit({ id: true }),
    response: pageSchema(SubscriptionDelivery),
    handle: (ctx, { params, query }) => listSubscriptionDeliveries(ctx, { ...query, id: params.id }),
  }),
  defineRoute({
    method: "POST",
    path: "/subscriptions/:id/retry",
    role: "admin",
    summary: "Try at once: deliveries that were given up or wait for their next try, and a subscriber that is down",
    params: IdParams,
    body: RetrySubscription.omit({ id: true }).default({}),
    response: z.object({ deliveries: z.number().int() }),
    handle: (ctx, { params, body }) => retrySubscription(ctx, { ...body, id: params.id }),
  }),
  defineRoute({
    method: "DELETE",
    path: "/subscriptions/:id",
    role: "admin",
    summary: "Stop sending; what was not delivered is forgotten",
    params: IdParams,
    response: Ok,
    handle: (ctx, { params }) => removeSubscription(ctx, params),
  }),
];
