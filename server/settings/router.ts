import { z } from "zod";
import { InvitePerson, invitePerson, pendingInvitations, removeInvitation } from "../accounts/invitations.ts";
import { ListAudit, listAudit } from "../audit/list-audit.ts";
import { getRetention, Retention, setRetention } from "../retention/settings.ts";
import { CreateToken, createToken, listTokens, removeToken } from "../tokens/tokens.ts";
import { adminProcedure, router } from "../trpc/init.ts";
import { ChangeRole, changeRole, listPeople, RemovePerson, removePerson } from "./people.ts";
import { getWorkspace, RenameWorkspace, renameWorkspace } from "./workspace.ts";

const Nothing = z.object({}).optional();
const ById = z.object({ id: z.string().min(1) });

export const settingsRouter = router({
  people: adminProcedure.input(Nothing).query(async ({ ctx }) => {
    const [people, invitations] = await Promise.all([listPeople(ctx), pendingInvitations(ctx)]);
    return { people, invitations };
  }),
  invite: adminProcedure.input(InvitePerson).mutation(({ ctx, input }) => invitePerson(ctx, input)),
  removeInvitation: adminProcedure.input(ById).mutation(({ ctx, input }) => removeInvitation(ctx, input)),
  changeRole: adminProcedure.input(ChangeRole).mutation(({ ctx, input }) => changeRole(ctx, input)),
  removePerson: adminProcedure.input(RemovePerson).mutation(({ ctx, input }) => removePerson(ctx, input)),
  tokens: adminProcedure.input(Nothing).query(({ ctx }) => listTokens(ctx)),
  createToken: adminProcedure.input(CreateToken).mutation(({ ctx, input }) => createToken(ctx, input)),
  removeToken: adminProcedure.input(ById).mutation(({ ctx, input }) => removeToken(ctx, input)),
  audit: adminProcedure.input(ListAudit).query(({ ctx, input }) => listAudit(ctx, input)),
  retention: adminProcedure.input(Nothing).query(({ ctx }) => getRetention(ctx)),
  setRetention: adminProcedure.input(Retention).mutation(({ ctx, input }) => setRetention(ctx, input)),
  workspace: adminProcedure.input(Nothing).query(({ ctx }) => getWorkspace(ctx)),
  renameWorkspace: adminProcedure.input(RenameWorkspace).mutation(({ ctx, input }) => renameWorkspace(ctx, input)),
});
