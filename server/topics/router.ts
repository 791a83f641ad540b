import { z } from "zod";
import { adminProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { ListSubscriptionDeliveries, listSubscriptionDeliveries } from "./list-deliveries.ts";
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

const Nothing = z.object({}).optional();
const ById = z.object({ id: z.string().min(1).max(200) });

export const topicsRouter = router({
  list: viewerProcedure.input(Nothing).query(({ ctx }) => listTopics(ctx)),
  subscriptions: adminProcedure.input(Nothing).query(({ ctx }) => listSubscriptions(ctx)),
  deliveries: adminProcedure
    .input(ListSubscriptionDeliveries)
    .query(({ ctx, input }) => listSubscriptionDeliveries(ctx, input)),
  subscribe: adminProcedure.input(CreateSubscription).mutation(({ ctx, input }) => createSubscription(ctx, input)),
  changeSubscription: adminProcedure
    .input(ChangeSubscription)
    .mutation(({ ctx, input }) => changeSubscription(ctx, input)),
  unsubscribe: adminProcedure.input(ById).mutation(({ ctx, input }) => removeSubscription(ctx, input)),
  retrySubscription: adminProcedure
    .input(RetrySubscription)
    .mutation(({ ctx, input }) => retrySubscription(ctx, input)),
});
