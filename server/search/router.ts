import { z } from "zod";
import { router, viewerProcedure } from "../trpc/init.ts";
import { searchAll } from "./search-all.ts";

export const searchRouter = router({
  all: viewerProcedure.input(z.object({ text: z.string().max(300) })).query(({ ctx, input }) => searchAll(ctx, input)),
});
