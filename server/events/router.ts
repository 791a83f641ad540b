import { z } from "zod";
import { AnyId } from "../db/storable.ts";
import { hookSecretState, SetHookSecret, setHookSecret } from "../intake/flow-secrets.ts";
import { builderProcedure, operatorProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { ListDeliveries, listDeliveries } from "./list-deliveries.ts";
import { replayDelivery } from "./replay-delivery.ts";

export const deliveriesRouter = router({
  list: viewerProcedure.input(ListDeliveries).query(({ ctx, input }) => listDeliveries(ctx, input)),
  replay: operatorProcedure.input(z.object({ id: AnyId })).mutation(({ ctx, input }) => replayDelivery(ctx, input.id)),
  secret: builderProcedure
    .input(z.object({ flowId: AnyId }))
    .query(({ ctx, input }) => hookSecretState(ctx, input.flowId)),
  setSecret: builderProcedure.input(SetHookSecret).mutation(({ ctx, input }) => setHookSecret(ctx, input)),
});
