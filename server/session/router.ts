import { z } from "zod";
import { createFirstAccount, FirstAccount, needsFirstAccount } from "../accounts/create-first-account.ts";
import { AcceptInvitation, acceptInvitation, showInvitation } from "../accounts/invitations.ts";
import { PersonName } from "../auth/password.ts";
import { signIn } from "../auth/sign-in.ts";
import { sampleIsPossible } from "../sample/sample-state.ts";
import type { Me } from "../trpc/contract/people.ts";
import { publicProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { getOwnAccount, renameMyself } from "./own-account.ts";
import { whoAmI } from "./who-am-i.ts";

const Nothing = z.object({}).optional();

export const sessionRouter = router({
  me: publicProcedure.input(Nothing).query(({ ctx }): Promise<Me> => whoAmI(ctx.signedIn)),
  setup: publicProcedure.input(Nothing).query(async ({ ctx }) => ({
    needsFirstAccount: await needsFirstAccount(ctx),
    sample: sampleIsPossible().possible,
  })),
  createFirstAccount: publicProcedure.input(FirstAccount).mutation(async ({ ctx, input }) => {
    await createFirstAccount(ctx, input);
    await signIn(ctx, input, ctx);
    return { ok: true as const };
  }),
  account: viewerProcedure.input(Nothing).query(({ ctx }) => getOwnAccount(ctx)),
  renameMyself: viewerProcedure
    .input(z.object({ name: PersonName }))
    .mutation(({ ctx, input }) => renameMyself(ctx, input)),
  invitation: publicProcedure
    .input(z.object({ token: z.string().min(1) }))
    .query(({ ctx, input }) => showInvitation(ctx, input)),
  acceptInvitation: publicProcedure.input(AcceptInvitation).mutation(async ({ ctx, input }) => {
    const { email } = await acceptInvitation(ctx, input);
    await signIn(ctx, { email, password: input.password }, ctx);
    return { ok: true as const };
  }),
});
