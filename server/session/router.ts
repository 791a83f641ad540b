import { z } from "zod";
import type { Me } from "../trpc/contract.ts";
import { publicProcedure, router } from "../trpc/init.ts";
import { whoAmI } from "./who-am-i.ts";

export const sessionRouter = router({
  me: publicProcedure.input(z.object({}).optional()).query(({ ctx }): Promise<Me> => whoAmI(ctx.signedIn)),
});
