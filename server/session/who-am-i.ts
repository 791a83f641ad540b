import type { ServerContext } from "../context.ts";
import type { Me } from "../trpc/contract/people.ts";

/** The person who is signed in, with workspace and role; null when signed out. */
export async function whoAmI(signedIn: ServerContext | null): Promise<Me> {
  if (!signedIn) return null;
  const { db, workspaceId, actor } = signedIn;
  const membership = await db.membership.findUnique({
    where: { workspaceId_userId: { workspaceId, userId: actor.id } },
    include: { user: true, workspace: true },
  });
  if (!membership) return null;
  const { user, workspace } = membership;
  return {
    user: { id: user.id, name: user.name, email: user.email },
    workspace: { id: workspace.id, name: workspace.name },
    role: actor.role,
  };
}
