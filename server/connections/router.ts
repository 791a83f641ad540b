import { z } from "zod";
import { adminProcedure, builderProcedure, operatorProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { getWatch, installWatch, removeWatch } from "../watching/install-watch.ts";
import { createConnection, removeConnection, updateConnection } from "./change-connections.ts";
import { checkConnection, sayIfAway } from "./check-connection.ts";
import { listConnectors } from "./connector-info.ts";
import { BrowseStream, ById, ChangeConnection, CreateConnection, DiscoverOf, WatchedStream } from "./input.ts";
import { browseStream, getConnection, listConnections, listOffers } from "./read-connections.ts";

const Nothing = z.object({}).optional();

export const connectionsRouter = router({
  list: viewerProcedure.input(Nothing).query(({ ctx }) => listConnections(ctx)),
  get: viewerProcedure.input(ById).query(({ ctx, input }) => getConnection(ctx, input)),
  connectors: viewerProcedure.input(Nothing).query(() => listConnectors()),
  create: builderProcedure.input(CreateConnection).mutation(({ ctx, input }) => createConnection(ctx, input)),
  update: builderProcedure.input(ChangeConnection).mutation(({ ctx, input }) => updateConnection(ctx, input)),
  remove: adminProcedure.input(ById).mutation(({ ctx, input }) => removeConnection(ctx, input)),
  check: builderProcedure.input(ById).mutation(({ ctx, input }) => checkConnection(ctx, input)),
  tryNow: operatorProcedure.input(ById).mutation(({ ctx, input }) => checkConnection(ctx, input)),
  offers: viewerProcedure.input(DiscoverOf).query(({ ctx, input }) => sayIfAway(ctx, input, listOffers(ctx, input))),
  watch: builderProcedure.input(WatchedStream).query(({ ctx, input }) => getWatch(ctx, input)),
  installWatch: builderProcedure.input(WatchedStream).mutation(({ ctx, input }) => installWatch(ctx, input)),
  removeWatch: builderProcedure.input(WatchedStream).mutation(({ ctx, input }) => removeWatch(ctx, input)),
  browse: viewerProcedure
    .input(BrowseStream)
    .query(({ ctx, input }) => sayIfAway(ctx, input, browseStream(ctx, input))),
});
